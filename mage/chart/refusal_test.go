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

func TestWhatATemplateRefusesNamesTheValuesThatItComesFrom(t *testing.T) {
	title := func(template string) edit {
		return edit{"templates/configmap.yaml", "{{ .Release.Name }}-title", template}
	}
	const at = "good/templates/configmap.yaml:4: "
	for name, tc := range map[string]struct {
		edits  []edit
		values string
		want   string
	}{
		"of the user": {
			[]edit{title(`{{ if eq .Values.title "bad" }}{{ fail "choose a good title" }}{{ end }}`)}, "web: {}\ntitle: bad\n",
			at + "choose a good title (values/test.yaml:2 title)"},
		"of the user, who had better say nothing": {
			[]edit{title(`{{ with .Values.web.image.digest }}{{ fail "leave the digest out" }}{{ end }}`)}, "web:\n  image:\n    digest: sha256:" + zeroes + "\n",
			at + "leave the digest out (values/test.yaml:3 web.image.digest)"},
		"of a list": {
			[]edit{title(`{{ range .Values.web.env }}{{ if eq .name "A" }}{{ fail "no A" }}{{ end }}{{ end }}`)}, "web:\n  env:\n    - {name: OK}\n    - {name: A}\n",
			at + "no A (values/test.yaml:4 web.env.1.name)"},
		"of two, of which either is to go": {
			[]edit{title(`{{ if and (eq .Values.title "a") (eq (int .Values.web.replicas) 3) }}{{ fail "not both" }}{{ end }}`)}, "title: a\nweb: {replicas: 3}\n",
			at + "not both (values/test.yaml:1 title, values/test.yaml:2 web.replicas)"},
		"of one beside another that is wrong too": {
			[]edit{title(`{{ if eq .Values.title "a" }}{{ fail "no a" }}{{ else if gt (int .Values.web.replicas) 3 }}{{ fail "too many" }}{{ end }}`)}, "title: a\nweb: {replicas: 4}\n",
			at + "no a (values/test.yaml:1 title)"},
		"of the chart": {
			[]edit{title(`{{ required "give a title" .Values.title }}`), {"values.yaml", "title: hello", `title: ""`}}, "web: {replicas: 1}\n",
			at + "give a title (default of title in good/values.yaml:1)"},
		"of nobody": {
			[]edit{title(`{{ fail "never" }}`)}, "title: a\n",
			at + "never"},
		"of a template that is wrong itself, and gone with its subchart": {
			[]edit{{deployment, ".Values.replicas", ".Values.replicaCount"}}, "title: a\n",
			"good/" + deployment + `:6: executing "good/` + deployment + `" at <.Values.replicaCount>: map has no entry for key "replicaCount"`},
		"a default that was taken away": {
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
