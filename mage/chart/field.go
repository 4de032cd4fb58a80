package chart

import (
	"strconv"
	"strings"
)

// A field is named as kubectl does: spec.template.spec.containers[0].image, and
// in brackets too what has dots itself, as metadata.labels[app.kubernetes.io/name].

// fieldOf names the field of doc that a JSON pointer's tokens lead to.
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

// tokens takes the name of a field apart.
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

// lookUp returns what is at a field of doc.
func lookUp(doc any, field string) (value any, there bool) { return follow(doc, tokens(field)) }

// follow returns what a path of keys and indexes leads to.
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
