package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// watch records a page's requests, answers and console. A failed one is a problem,
// unless the step allows it.
type watch struct {
	base string

	mu       sync.Mutex
	began    time.Time
	open     map[network.RequestID]string
	problems []string
	allowed  *regexp.Regexp // nil allows nothing
	came     int            // number of allowed problems
	journal  []string
}

func newWatch(base string) *watch {
	return &watch{base: base, began: time.Now(), open: map[network.RequestID]string{}}
}

// see records one event of the browser; chromedp's reader calls it.
func (w *watch) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			clear(w.open) // requests of the page before have no end event
		}
		w.open[e.RequestID] = e.Request.Method + " " + w.short(e.Request.URL)
		w.note(w.open[e.RequestID])
		if !w.own(e.Request.URL) {
			w.problem("another origin is asked: %s", w.open[e.RequestID])
		}
	case *network.EventWebSocketCreated:
		if !w.own(strings.Replace(e.URL, "ws", "http", 1)) {
			w.problem("another origin is asked: %s", e.URL)
		}
	case *network.EventResponseReceived:
		w.note(fmt.Sprintf("%d for %s", e.Response.Status, w.open[e.RequestID]))
		if e.Response.Status >= 500 {
			w.problem("answer %d for %s", e.Response.Status, w.open[e.RequestID])
		}
	case *network.EventLoadingFinished:
		delete(w.open, e.RequestID)
	case *network.EventLoadingFailed:
		if !e.Canceled && e.ErrorText != "net::ERR_ABORTED" { // the page cancelled it
			w.problem("no answer for %s: %s", w.open[e.RequestID], e.ErrorText)
		}
		delete(w.open, e.RequestID)
	case *runtime.EventConsoleAPICalled:
		text := consoleText(e.Args)
		w.note(fmt.Sprintf("console.%s: %s", e.Type, text))
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.problem("console: %s", text)
		}
	case *runtime.EventExceptionThrown:
		w.problem("exception: %s", exceptionText(e.ExceptionDetails))
	case *log.EventEntryAdded:
		w.note(fmt.Sprintf("log %s: %s", e.Entry.Level, e.Entry.Text))
		if e.Entry.Level == log.EntryLevelError {
			w.problem("console: %s %s", e.Entry.Text, w.short(e.Entry.URL))
		}
	}
}

func (w *watch) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.note("PROBLEM " + text)
	if w.allowed != nil && w.allowed.MatchString(text) {
		w.came++
		return
	}
	w.problems = append(w.problems, text)
}

// own tells whether an address belongs to the application or to the page itself.
func (w *watch) own(address string) bool {
	if address == w.base || strings.HasPrefix(address, w.base+"/") {
		return true
	}
	scheme, _, _ := strings.Cut(address, ":")
	return slices.Contains([]string{"data", "blob", "about"}, scheme)
}

func (w *watch) short(address string) string {
	return strings.TrimPrefix(address, w.base)
}

func (w *watch) note(line string) {
	w.journal = append(w.journal, fmt.Sprintf("%8.2fs %s", time.Since(w.began).Seconds(), line))
}

// take returns the problems since the last call.
func (w *watch) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.problems
	w.problems = nil
	return taken
}

// allow sets the allowed problems and returns how many there were since the last call.
func (w *watch) allow(pattern *regexp.Regexp) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	came := w.came
	w.allowed, w.came = pattern, 0
	return came
}

// waiting lists the requests that have not ended.
func (w *watch) waiting() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Values(w.open))
}

func (w *watch) history() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.journal, "\n") + "\n"
}

func consoleText(args []*runtime.RemoteObject) string {
	var parts []string
	for _, arg := range args {
		parts = append(parts, cmp.Or(arg.Description, strings.Trim(string(arg.Value), `"`), string(arg.Type)))
	}
	return strings.Join(parts, " ")
}

func exceptionText(details *runtime.ExceptionDetails) string {
	if details.Exception != nil && details.Exception.Description != "" {
		return details.Exception.Description
	}
	return details.Text
}

// settle waits until every request has ended.
func (p *page) settle() {
	p.t.Helper()
	p.until("every request has ended", func() error {
		if waiting := p.watch.waiting(); len(waiting) > 0 {
			return fmt.Errorf("still open: %s", strings.Join(waiting, ", "))
		}
		return nil
	})
}

// expecting requires problems that match pattern while do runs.
func (p *page) expecting(pattern string, do func()) {
	p.t.Helper()
	if came := p.allowing(pattern, do); came == 0 {
		p.t.Fatalf("expected a problem that matches %q: none came", pattern)
	}
}

// allowing allows problems that match pattern while do runs.
func (p *page) allowing(pattern string, do func()) int {
	p.t.Helper()
	p.untroubled()
	p.watch.allow(regexp.MustCompile(pattern))
	do()
	p.settle()
	return p.watch.allow(nil)
}

// untroubled fails if there was a problem that was not allowed.
func (p *page) untroubled() {
	p.t.Helper()
	if problems := p.watch.take(); len(problems) > 0 {
		p.t.Fatalf("behind the page of %s:\n%s", p.who, strings.Join(problems, "\n"))
	}
}
