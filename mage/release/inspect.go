package release

import (
	"context"
	"time"

	"todo-chatbot/mage/diagnose"
)

const recentWarnings = time.Hour

// Inspection is an Observation with the details that a person asks for.
type Inspection struct {
	Observation
	Pods     []diagnose.Pod     // of the release's workloads, by name
	Services []diagnose.Service // of the release, by name
	Warnings []string           // of the last hour in the namespace, at most the newest ten, oldest first
}

// Inspect reads the objects of a release in the cluster. A release without records
// gives ErrNotFound.
func (m *Manager) Inspect(ctx context.Context, name string) (Inspection, error) {
	records, err := m.history(ctx, name)
	if err != nil {
		return Inspection{}, err
	}
	last := records[len(records)-1]
	var out Inspection
	out.Observation = Observation{Revision: last.Version, Status: last.Info.Status.String(), Description: last.Info.Description}
	if len(records) > 1 {
		out.PreviousRevision = records[len(records)-2].Version
	}
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return out, err
	}
	s, err := diagnose.Take(ctx, m.clients.Clientset, m.namespace)
	if err != nil {
		return out, err
	}
	workloads := s.Workloads(wanted.workloads())
	out.Workloads = observed(workloads)
	out.Pods = diagnose.Pods(workloads)
	out.Warnings = s.Warnings(time.Now().Add(-recentWarnings))
	out.Services, err = s.Services(wanted.services())
	return out, err
}
