package chart

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// secretNames end the names of what is a secret.
var secretNames = []string{"PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"}

// credentialsInURL is a URL with a password in it.
var credentialsInURL = regexp.MustCompile(`://[^/\s:@]+:[^/\s@]+@`)

// secrets checks that no manifest carries a secret. Findings never repeat the
// value.
func secrets(in *inspection, say report) {
	const cure = "take it from a Secret that is made outside of the chart"
	for _, r := range in.resources {
		switch o := r.typed.(type) {
		case *corev1.Secret:
			for _, key := range slices.Sorted(maps.Keys(o.Data)) {
				say(r, member("data", key), "stands in the manifest", cure)
			}
			for _, key := range slices.Sorted(maps.Keys(o.StringData)) {
				say(r, member("stringData", key), "stands in the manifest", cure)
			}
		case *corev1.ConfigMap:
			for _, key := range slices.Sorted(maps.Keys(o.Data)) {
				if what := secretIn(key, o.Data[key]); what != "" {
					say(r, member("data", key), key+what, cure)
				}
			}
		}
	}
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			for i, env := range c.Env {
				if what := secretIn(env.Name, env.Value); what != "" {
					say(w.resource, index(c.field+".env", i), env.Name+what, cure)
				}
			}
			for i, word := range slices.Concat(c.Command, c.Args) {
				if credentialsInURL.MatchString(word) {
					field := index(c.field+".command", i)
					if i >= len(c.Command) {
						field = index(c.field+".args", i-len(c.Command))
					}
					say(w.resource, field, "a URL with a password stands in the manifest", cure)
				}
			}
		}
	}
}

// secretIn says what of a variable is a secret, or nothing.
func secretIn(name, value string) string {
	upper := strings.ToUpper(name)
	promises := slices.ContainsFunc(secretNames, func(end string) bool { return strings.HasSuffix(upper, end) })
	switch {
	case value != "" && promises:
		return " stands in the manifest"
	case credentialsInURL.MatchString(value):
		return ": a URL with a password stands in the manifest"
	}
	return ""
}
