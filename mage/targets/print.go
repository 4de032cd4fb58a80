package targets

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/pipeline"
	"todo-chatbot/mage/release"
)

// The functions of this file write results for other programs: one fact per line,
// in a fixed order.

func printImages(w io.Writer, images []pipeline.Built) {
	for _, built := range images {
		fmt.Fprintf(w, "image %s %s\n", built.Name, built.Digest)
	}
}

func printDeployment(w io.Writer, d pipeline.Deployment) {
	printImages(w, d.Images)
	if d.Release.Revision > 0 {
		word := "unchanged"
		switch {
		case d.RolledBack > 0:
			word = fmt.Sprintf("rolled back to %d", d.RolledBack)
		case d.Changed:
			word = "new"
		}
		fmt.Fprintf(w, "revision %d %s\n", d.Release.Revision, word)
	}
	if d.URL != "" {
		fmt.Fprintf(w, "url %s\n", d.URL)
	} else if d.Complete {
		fmt.Fprintln(w, "url none: the cluster publishes no port; `mage open` opens a port-forward")
	}
	if d.Complete {
		verdict := "passed"
		if !d.Verdict.OK() {
			verdict = "failed"
		}
		fmt.Fprintf(w, "verdict %s\n", verdict)
	}
}

func printClusterStatus(w io.Writer, s cluster.Status) {
	fmt.Fprintf(w, "cluster %s/%s %s\n", s.Provider, s.Name, s.State)
	for _, fact := range [][2]string{{"detail", s.Detail}, {"kubernetes", s.Kubernetes}, {"registry-push", s.Registry.Push}, {"registry-pull", s.Registry.Pull}, {"network-policies", s.Policies}} {
		if fact[1] != "" {
			fmt.Fprintf(w, "%s %s\n", fact[0], fact[1])
		}
	}
	nodePorts := make([]int, 0, len(s.Ports))
	for port := range s.Ports {
		nodePorts = append(nodePorts, port)
	}
	slices.Sort(nodePorts)
	for _, port := range nodePorts {
		fmt.Fprintf(w, "port 127.0.0.1:%d is published for node port %d\n", s.Ports[port], port)
	}
	for _, what := range s.NotReady {
		fmt.Fprintf(w, "not-ready %s\n", what)
	}
}

// printInspection indents the images and pods of a workload below its line.
func printInspection(w io.Writer, seen release.Inspection) {
	fmt.Fprintf(w, "revision %d %s: %s\n", seen.Revision, seen.Status, seen.Description)
	for _, load := range seen.Workloads {
		fmt.Fprintf(w, "%s/%s ready %d of %d, restarts %d\n", load.Kind, load.Name, load.Ready, load.Wanted, load.Restarts)
		for _, image := range load.Images {
			fmt.Fprintf(w, "  image %s\n", image)
		}
		for _, pod := range seen.Pods {
			if pod.Workload != strings.ToLower(load.Kind)+"/"+load.Name {
				continue
			}
			older := ""
			if pod.OfOlderRevision {
				older = ", of an older revision"
			}
			fmt.Fprintf(w, "  pod %s ready %d of %d, restarts %d%s: %s\n", pod.Name, pod.Ready, pod.Wanted, pod.Restarts, older, pod.State)
		}
	}
	for _, s := range seen.Services {
		endpoints := strings.Join(s.Endpoints, " ")
		if endpoints == "" {
			endpoints = "none ready"
		}
		fmt.Fprintf(w, "Service/%s endpoints %s\n", s.Name, endpoints)
	}
	for _, warning := range seen.Warnings {
		fmt.Fprintf(w, "event %s\n", warning)
	}
}

// printHistory writes the oldest revision first.
func printHistory(w io.Writer, revisions []release.Revision) {
	for _, r := range revisions {
		fmt.Fprintf(w, "%d %s %s %s\n", r.Number, r.Status, r.Updated.UTC().Format(time.RFC3339), strings.Join(strings.Fields(r.Description), " "))
	}
}

// printCleaned writes that there was nothing to remove only if no error hides
// something.
func printCleaned(w io.Writer, done pipeline.Cleaned, err error) {
	for _, what := range done.Removed {
		fmt.Fprintf(w, "removed %s\n", what)
	}
	for _, what := range done.Kept {
		fmt.Fprintf(w, "kept %s\n", what)
	}
	if len(done.Removed)+len(done.Kept) == 0 && err == nil {
		fmt.Fprintln(w, "nothing to remove")
	}
}

// coloured adds a terminal's colours to a unified diff.
func coloured(diff string) string {
	var out strings.Builder
	for line := range strings.Lines(diff) {
		colour := ""
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			colour = "\x1b[1m"
		case strings.HasPrefix(line, "@@"):
			colour = "\x1b[36m"
		case strings.HasPrefix(line, "-"):
			colour = "\x1b[31m"
		case strings.HasPrefix(line, "+"):
			colour = "\x1b[32m"
		}
		if colour == "" {
			out.WriteString(line)
			continue
		}
		out.WriteString(colour + strings.TrimSuffix(line, "\n") + "\x1b[0m\n")
	}
	return out.String()
}
