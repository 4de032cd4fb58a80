package pipeline

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"todo-chatbot/mage/release"
)

func TestRefusedChangeIsReportedWithItsFix(t *testing.T) {
	const size = "spec.volumeClaimTemplates[0].spec.resources.requests.storage"
	set := func(field, from, to string) release.Refusal {
		return release.Refusal{Kind: "StatefulSet", Name: "todo-postgresql", Fields: []release.Change{{Field: field, From: from, To: to}}}
	}
	p := load(t, projectRoot, "dev", nil)
	for want, r := range map[string]release.Refusal{
		"cannot change from 1Gi to 2Gi: `mage db:resize -env=dev` enlarges the volume without loss; then deploy again":                       set(size, "1Gi", "2Gi"),
		"cannot change from 1Gi to 512Mi: set postgresql.persistence.size back to 1Gi: a volume cannot become smaller":                       set(size, "1Gi", "512Mi"),
		"cannot change from nothing to fast: set it back: this field of a volume cannot change; docs/data.md":                                set("spec.volumeClaimTemplates[0].spec.storageClassName", "", "fast"),
		"`kubectl -n todo-dev delete statefulset todo-postgresql --cascade=orphan`, which keeps its pods and volumes":                        set("spec.serviceName", "a", "b"),
		"deployment/todo-backend: spec.selector.matchLabels.app cannot change from a to b: set it back, or call `kubectl -n todo-dev delete": {Kind: "Deployment", Name: "todo-backend", Fields: []release.Change{{Field: "spec.selector.matchLabels.app", From: "a", To: "b"}}},
		"persistentvolumeclaim/todo-postgresql-backup: only dynamically provisioned pvc can be resized: set it back":                         {Kind: "PersistentVolumeClaim", Name: "todo-postgresql-backup", Message: "only dynamically provisioned pvc can be resized"},
	} {
		err := p.refusalError([]release.Refusal{r})
		assert.ErrorContains(t, err, "would refuse this upgrade of release todo-dev/todo, and nothing was changed")
		assert.ErrorContains(t, err, want)
		assert.Equal(t, ExitUsage, ExitCode(err), "the cause is in the user's values")
	}
	assert.NoError(t, p.refusalError(nil))
}
