package smoke

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteTable writes a table with one line for each check.
func (v Verdict) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHECK\tOUTCOME\tTIME\tDETAIL")
	for _, r := range v.Results {
		took := "-"
		if r.Outcome != Skipped {
			took = fmt.Sprintf("%.2fs", r.Duration.Seconds())
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.Name, r.Outcome, took, strings.Join(strings.Fields(r.text()), " "))
	}
	return table.Flush()
}

func (r Result) text() string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return r.Detail
}

// WriteJSON writes {"ok", "results": [{"name", "outcome", "seconds", "error",
// "detail"}]}, without empty error and detail.
func (v Verdict) WriteJSON(w io.Writer) error {
	type result struct {
		Name    string  `json:"name"`
		Outcome Outcome `json:"outcome"`
		Seconds float64 `json:"seconds"`
		Error   string  `json:"error,omitempty"`
		Detail  string  `json:"detail,omitempty"`
	}
	document := struct {
		OK      bool     `json:"ok"`
		Results []result `json:"results"`
	}{OK: v.OK(), Results: []result{}}
	for _, r := range v.Results {
		out := result{Name: r.Name, Outcome: r.Outcome, Seconds: r.Duration.Seconds(), Detail: r.Detail}
		if r.Err != nil {
			out.Error = r.Err.Error()
		}
		document.Results = append(document.Results, out)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string      `xml:"name,attr"`
	Classname string      `xml:"classname,attr"`
	Time      string      `xml:"time,attr"`
	Failure   *junitWords `xml:"failure"`
	Skipped   *junitWords `xml:"skipped"`
}

type junitWords struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the verdict as JUnit XML for CI systems.
func (v Verdict) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Name: "smoke", Tests: len(v.Results)}
	var total time.Duration
	for _, r := range v.Results {
		total += r.Duration
		c := junitCase{Name: r.Name, Classname: "smoke", Time: seconds(r.Duration)}
		switch r.Outcome {
		case Failed:
			suite.Failures++
			c.Failure = &junitWords{Message: r.text(), Text: r.text()}
		case Skipped:
			suite.Skipped++
			c.Skipped = &junitWords{Message: r.text()}
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(junitSuites{Suite: suite}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
