package image

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
)

const commandWidth = 120 // characters of a command in an error

// StepError reports a step of a Dockerfile that failed.
type StepError struct {
	File    string   // path of the Dockerfile
	Line    int      // first line of the instruction, from 1
	Command string   // the instruction on one line, cut
	Log     []string // last lines of the output
	Err     error    // BuildKit's
}

// Error is one line; Log has the output.
func (e *StepError) Error() string {
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.Command, cause(e.Err))
}

func (e *StepError) Unwrap() error { return e.Err }

// stepError adds the line of the Dockerfile and the output of the failed step to err.
func stepError(src Source, err error, log *buildLog) error {
	if err == nil {
		return nil
	}
	for _, place := range errdefs.Sources(err) {
		if place.Info == nil || len(place.Ranges) == 0 || place.Ranges[0].Start == nil {
			continue
		}
		first, last := int(place.Ranges[0].Start.Line), 0
		for _, r := range place.Ranges {
			first = min(first, int(r.Start.GetLine()))
			last = max(last, int(r.Start.GetLine()), int(r.End.GetLine()))
		}
		return &StepError{
			File:    src.dockerfile(),
			Line:    first,
			Command: command(string(place.Info.Data), first, last),
			Log:     log.failure(),
			Err:     err,
		}
	}
	return fmt.Errorf("%s: %w", src.dockerfile(), cleaned{err})
}

// command is lines first to last of a Dockerfile, on one line.
func command(text string, first, last int) string {
	lines := strings.Split(text, "\n")
	if first < 1 || first > len(lines) {
		return "?"
	}
	var words []string
	for _, l := range lines[first-1 : min(last, len(lines))] {
		words = append(words, strings.Fields(strings.TrimSuffix(strings.TrimSpace(l), `\`))...)
	}
	runes := []rune(strings.Join(words, " "))
	if len(runes) > commandWidth {
		return string(runes[:commandWidth-1]) + "…"
	}
	return string(runes)
}

// cleaned is an error of BuildKit with a shorter message.
type cleaned struct{ error }

func (c cleaned) Error() string { return cause(c.error) }
func (c cleaned) Unwrap() error { return c.error }

var (
	wrapping = regexp.MustCompile(`^(failed to solve: |rpc error: code = \w+ desc = |failed to read dockerfile: )+`)
	process  = regexp.MustCompile(`process ".*" did not complete successfully: `)
)

// cause is the message of err without the common prefixes of BuildKit and without the
// command, which StepError names.
func cause(err error) string {
	text := wrapping.ReplaceAllString(err.Error(), "")
	return process.ReplaceAllString(text, "")
}
