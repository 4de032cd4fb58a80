package config

import "fmt"

// Secret is text that is hidden when it is printed or encoded.
type Secret string

const hidden = "[hidden]"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// Format hides the text in every verb of fmt.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, s.String()) }

// String is empty for an empty Secret, so that a reader sees whether it is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// MarshalText hides the text in JSON, XML and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML hides the text in YAML.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
