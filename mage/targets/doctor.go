package targets

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"todo-chatbot/mage/doctor"
	"todo-chatbot/mage/pipeline"
)

// Doctor lists what a deploy needs, what is missing and how to fix it; it changes nothing.
func Doctor(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		findings := p.Doctor(ctx)
		if err := printFindings(os.Stdout, findings); err != nil {
			return err
		}
		return findings.Err()
	})
}

// printFindings writes one line per finding, and its fix on an indented line
// below.
func printFindings(out io.Writer, all doctor.Findings) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Level, f.Name, oneLine(f.Found))
		if f.Fix != "" {
			fmt.Fprintf(table, "\t\t→ %s\n", oneLine(f.Fix))
		}
	}
	return table.Flush()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
