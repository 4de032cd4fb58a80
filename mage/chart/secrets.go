package chart

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// secretNames are the endings of names that hold secrets.
var secretNames = []string{"PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"}

// credentialsInURL matches a URL with a password.
var credentialsInURL = regexp.MustCompile(`://[^/\s:@]+:[^/\s@]+@`)

// secrets checks that no manifest contains a secret. Findings never contain the
// value.
func secrets(in *inspection, say report) {
	const fix = "read it from a Secret that is created outside the chart"
	for _, r := range in.resources {
		switch o := r.typed.(type) {
		case *corev1.Secret:
			for _, key := range slices.Sorted(maps.Keys(o.Data)) {
				say(r, member("data", key), "is in the manifest", fix)
			}
			for _, key := range slices.Sorted(maps.Keys(o.StringData)) {
				say(r, member("stringData", key), "is in the manifest", fix)
			}
		case *corev1.ConfigMap:
			for _, key := range slices.Sorted(maps.Keys(o.Data)) {
				if what := secretIn(key, o.Data[key]); what != "" {
					say(r, member("data", key), key+what, fix)
				}
			}
		}
	}
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			for i, env := range c.Env {
				if what := secretIn(env.Name, env.Value); what != "" {
					say(w.resource, index(c.field+".env", i), env.Name+what, fix)
				}
			}
			for i, word := range slices.Concat(c.Command, c.Args) {
				if credentialsInURL.MatchString(word) {
					field := index(c.field+".command", i)
					if i >= len(c.Command) {
						field = index(c.field+".args", i-len(c.Command))
					}
					say(w.resource, field, "a URL with a password is in the manifest", fix)
				}
			}
		}
	}
}

// secretIn describes the secret in a variable. It returns "" if there is none.
func secretIn(name, value string) string {
	upper := strings.ToUpper(name)
	promises := slices.ContainsFunc(secretNames, func(end string) bool { return strings.HasSuffix(upper, end) })
	switch {
	case value != "" && promises:
		return " is in the manifest"
	case credentialsInURL.MatchString(value):
		return ": a URL with a password is in the manifest"
	}
	return ""
}
