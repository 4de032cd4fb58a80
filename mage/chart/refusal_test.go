package chart_test

import (
	"bytes"
	"log"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/chart"
)

func TestRefusalOfATemplateNamesTheValuesThatCauseIt(t *testing.T) {
	title := func(template string) edit {
		return edit{"templates/configmap.yaml", "{{ .Release.Name }}-title", template}
	}
	const at = "good/templates/configmap.yaml:4: "
	for name, tc := range map[string]struct {
		edits  []edit
		values string
		want   string
	}{
		"value of the user": {
			[]edit{title(`{{ if eq .Values.title "bad" }}{{ fail "choose a good title" }}{{ end }}`)}, "web: {}\ntitle: bad\n",
			at + "choose a good title (values/test.yaml:2 title)"},
		"value that the user should remove": {
			[]edit{title(`{{ with .Values.web.image.digest }}{{ fail "leave the digest out" }}{{ end }}`)}, "web:\n  image:\n    digest: sha256:" + zeroes + "\n",
			at + "leave the digest out (values/test.yaml:3 web.image.digest)"},
		"element of a list": {
			[]edit{title(`{{ range .Values.web.env }}{{ if eq .name "A" }}{{ fail "no A" }}{{ end }}{{ end }}`)}, "web:\n  env:\n    - {name: OK}\n    - {name: A}\n",
			at + "no A (values/test.yaml:4 web.env.1.name)"},
		"two values that contradict each other": {
			[]edit{title(`{{ if and (eq .Values.title "a") (eq (int .Values.web.replicas) 3) }}{{ fail "not both" }}{{ end }}`)}, "title: a\nweb: {replicas: 3}\n",
			at + "not both (values/test.yaml:1 title, values/test.yaml:2 web.replicas)"},
		"wrong value next to another wrong value": {
			[]edit{title(`{{ if eq .Values.title "a" }}{{ fail "no a" }}{{ else if gt (int .Values.web.replicas) 3 }}{{ fail "too many" }}{{ end }}`)}, "title: a\nweb: {replicas: 4}\n",
			at + "no a (values/test.yaml:1 title)"},
		"default of the chart": {
			[]edit{title(`{{ required "give a title" .Values.title }}`), {"values.yaml", "title: hello", `title: ""`}}, "web: {replicas: 1}\n",
			at + "give a title (default of title in good/values.yaml:1)"},
		"template that always refuses": {
			[]edit{title(`{{ fail "never" }}`)}, "title: a\n",
			at + "never"},
		"error in the template of a subchart": {
			[]edit{{deployment, ".Values.replicas", ".Values.replicaCount"}}, "title: a\n",
			"good/" + deployment + `:6: executing "good/` + deployment + `" at <.Values.replicaCount>: map has no entry for key "replicaCount"`},
		"default that the user removed": {
			nil, "title: x\nweb:\n  image: null\n",
			"(values/test.yaml:3 web.image)"},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			log.SetOutput(&logged)
			t.Cleanup(func() { log.SetOutput(os.Stderr) })
			_, err := chart.Check(broken(t, tc.edits...), values(t, tc.values), release)
			assert.Empty(t, logged.String())
			require.Error(t, err)
			if len(tc.edits) > 0 {
				assert.EqualError(t, err, tc.want)
				return
			}
			assert.ErrorContains(t, err, "good/"+deployment+":")
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

const zeroes = "0000000000000000000000000000000000000000000000000000000000000000"
