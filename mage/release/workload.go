package release

import (
	"maps"
	"slices"

	"todo-chatbot/mage/diagnose"
)

// Workload is the present state of a Deployment or StatefulSet of a release.
type Workload struct {
	Kind, Name    string
	Ready, Wanted int
	Images        []string // sorted, init containers' too
	Restarts      int      // of all containers in the current pods
}

func observed(workloads []*diagnose.Workload) []Workload {
	var out []Workload
	for _, w := range workloads {
		out = append(out, Workload{
			Kind: w.Kind, Name: w.Name, Ready: int(w.Ready), Wanted: int(w.Wanted), Restarts: w.Restarts(),
			Images: slices.Compact(slices.Sorted(maps.Values(images(w.Template)))),
		})
	}
	return out
}
