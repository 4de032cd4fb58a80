package chart

import (
	"strconv"
	"strings"
)

// A field is named as kubectl does: spec.template.spec.containers[0].image. A key
// that contains dots is in brackets: metadata.labels[app.kubernetes.io/name].

// fieldOf returns the name of the field at the tokens of a JSON pointer into doc.
func fieldOf(doc any, tokens []string) string {
	var b strings.Builder
	for _, token := range tokens {
		list, isList := doc.([]any)
		switch {
		case isList || strings.ContainsAny(token, "./"):
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
		if isList {
			i, err := strconv.Atoi(token)
			doc = nil
			if err == nil && i < len(list) {
				doc = list[i]
			}
			continue
		}
		table, _ := doc.(map[string]any)
		doc = table[token]
	}
	return b.String()
}

// tokens splits the name of a field into keys and indexes.
func tokens(field string) []string {
	var parts []string
	for field != "" {
		if inner, ok := strings.CutPrefix(field, "["); ok {
			token, rest, _ := strings.Cut(inner, "]")
			parts, field = append(parts, token), strings.TrimPrefix(rest, ".")
			continue
		}
		end := strings.IndexAny(field, ".[")
		if end < 0 {
			return append(parts, field)
		}
		parts, field = append(parts, field[:end]), strings.TrimPrefix(field[end:], ".")
	}
	return parts
}

// lookUp returns the value of a field of doc.
func lookUp(doc any, field string) (value any, there bool) { return follow(doc, tokens(field)) }

// follow returns the value at a path of keys and indexes.
func follow(v any, path []string) (value any, there bool) {
	for _, key := range path {
		switch at := v.(type) {
		case map[string]any:
			if v, there = at[key]; !there {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}
