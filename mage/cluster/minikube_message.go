package cluster

import (
	"encoding/json"
	"strings"
)

// message returns the cause in the output of a failed minikube command, on one line:
// the error event that has an exit code, or the text after "Exiting due to" with
// minikube's advice, or the last line.
func message(stdout, stderr string) string {
	var said errorEvent
	for line := range strings.Lines(stdout) {
		var e event
		if json.Unmarshal([]byte(line), &e) == nil {
			said.add(e)
		}
	}
	if said.text != "" {
		return said.text
	}
	if text := exiting(stderr + "\n" + stdout); text != "" {
		return text
	}
	return lastLine(stdout + "\n" + stderr)
}

// errorEvent keeps the text of the last error event. An event that has an exit code
// takes precedence, because minikube also sends warnings as error events.
type errorEvent struct {
	text  string
	final bool
}

func (s *errorEvent) add(e event) {
	final := e.Data.ExitCode != ""
	if e.Type != "io.k8s.sigs.minikube.error" || s.final && !final {
		return
	}
	s.text, s.final = joined(e.Data.Message+" "+e.Data.Advice), final
}

// exiting returns the text after "Exiting due to", with the lines of advice and of the
// box that follow it. It omits the box that asks for a bug report.
func exiting(text string) string {
	_, text, found := strings.Cut(text, "Exiting due to ")
	if !found {
		return ""
	}
	var words []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "╭╮╰╯─│"))
		line = strings.TrimSpace(strings.TrimPrefix(line, "* "))
		if strings.Contains(line, "If the above advice does not help") {
			break
		}
		if line != "" && line != "*" {
			words = append(words, line)
		}
	}
	return joined(strings.Join(words, " "))
}

// joined replaces each run of spaces and line ends by one space.
func joined(text string) string { return strings.Join(strings.Fields(text), " ") }
