package chart

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// violation is one error of a document against its schema.
type violation struct {
	at      []string // path into the document
	message string
	schema  string // URL of the violated schema
	unknown string // the key, if the violation is an unknown key
}

// explain turns a validation error into violations, one for each innermost cause.
// known returns the keys that the schema at a URL defines.
func explain(known func(schema string) []string, e *jsonschema.ValidationError) []violation {
	var all []violation
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			all = append(all, explain(known, cause)...)
		}
		return all
	}
	add := func(message string, more ...string) {
		at := append(slices.Clone(e.InstanceLocation), more...)
		all = append(all, violation{at: at, message: message, schema: e.SchemaURL})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, key := range k.Properties {
			add(unknownKey(key, known(e.SchemaURL)), key)
			all[len(all)-1].unknown = key
		}
	case *kind.Required:
		for _, key := range k.Missing {
			add("is required", key)
		}
	case *kind.Type:
		add(wrongType(k.Got, strings.Join(k.Want, " or ")))
	case *kind.Enum:
		add(fmt.Sprintf("is %s, must be one of %s", quoted(k.Got), quoted(k.Want...)))
	case *kind.Pattern:
		add(fmt.Sprintf("is %q, must match %s", k.Got, k.Want))
	case *kind.FalseSchema:
		add("is set by Kubernetes; remove it")
	default:
		add(k.LocalizedString(message.NewPrinter(language.English)))
	}
	return all
}

func unknownKey(key string, known []string) string {
	for _, name := range known {
		if near(strings.ToLower(key), strings.ToLower(name)) {
			return fmt.Sprintf("unknown key; did you mean %q?", name)
		}
	}
	return "unknown key; known keys: " + strings.Join(known, ", ")
}

// near reports whether two names differ by at most two edits, and by less than
// half of the shorter one.
func near(a, b string) bool {
	edits := levenshtein.Distance(a, b, nil)
	return edits <= 2 && edits*2 < min(len(a), len(b))
}

func wrongType(got, want string) string { return fmt.Sprintf("is of type %s, must be %s", got, want) }

func quoted(values ...any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprintf("%q", fmt.Sprint(v))
	}
	return strings.Join(texts, ", ")
}
