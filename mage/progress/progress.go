// Package progress tells a person what is happening: one calm line a step on a
// stream, usually stderr. It is not a log and not a result; results go to
// stdout, and details of a step are kept and shown only when it fails or when
// the reporter is verbose.
package progress

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Heartbeat is how often a running step is mentioned again on a stream that is
// not a terminal. A terminal's live line is redrawn several times a second.
const Heartbeat = 20 * time.Second

const (
	redraw      = 120 * time.Millisecond
	keptLog     = 16 << 10 // bytes of a step's log kept for a failure
	shownLines  = 30
	areaWidth   = 8
	subjectCols = 24
	outcomeCols = 18
)

// Options shapes a Reporter; the zero value suits a log file.
type Options struct {
	Terminal bool // the stream is a terminal: running steps are shown live
	Verbose  bool // a step's log is printed as it comes
	Width    int  // columns of the terminal; 0 means 80
}

// Reporter writes steps to one stream. A nil Reporter discards everything. It
// is safe for concurrent use.
type Reporter struct {
	w    io.Writer
	opts Options

	mu      sync.Mutex
	running []*Step
	drawn   int // live lines on the screen below the finished ones
	stop    chan struct{}
}

// New returns a Reporter that writes to w.
func New(w io.Writer, opts Options) *Reporter {
	if opts.Width <= 0 {
		opts.Width = 80
	}
	return &Reporter{w: w, opts: opts}
}

// Step is one thing under way. Its methods may be called from several
// goroutines; the first of Done, Fail and Drop ends it, further calls do nothing.
type Step struct {
	r             *Reporter
	area, subject string
	began         time.Time

	status  string // what, how far
	spoke   time.Time
	log     bytes.Buffer
	cut     bool   // the log's beginning was dropped, so its first line is torn
	partial []byte // verbose output without its line end yet
	ended   bool
}

// Start begins a step in an area ("cluster", "image", "release" …) on a subject
// ("kind/todo", "backend" …).
func (r *Reporter) Start(area, subject string) *Step {
	s := &Step{r: r, area: area, subject: subject, began: time.Now(), spoke: time.Now()}
	if r == nil {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = append(r.running, s)
	if r.stop == nil {
		r.stop = make(chan struct{})
		go r.tick(r.stop)
	}
	r.draw()
	return s
}

// Note prints one line that belongs to no step.
func (r *Reporter) Note(format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(fmt.Sprintf(format, args...))
}

// Update says what the step is doing now and how far it is.
func (s *Step) Update(format string, args ...any) {
	if s.r == nil {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.status = fmt.Sprintf(format, args...)
}

// Write takes the step's log, such as a command's output.
func (s *Step) Write(p []byte) (int, error) {
	if s.r == nil {
		return len(p), nil
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.log.Write(p)
	if over := s.log.Len() - keptLog; over > 0 {
		s.log.Next(over)
		s.cut = true
	}
	if s.r.opts.Verbose {
		s.partial = append(s.partial, p...)
		for {
			i := bytes.IndexByte(s.partial, '\n')
			if i < 0 {
				break
			}
			s.speak(string(s.partial[:i]))
			s.partial = s.partial[i+1:]
		}
	}
	return len(p), nil
}

// speak prints one line of a verbose step's log. The caller holds the lock.
func (s *Step) speak(line string) {
	s.r.print(fmt.Sprintf("  %s | %s", s.subject, lastDrawn(line)))
}

// Done ends the step well: outcome is a word or two ("ready", "built, pushed"),
// detail says why or how much and may be empty.
func (s *Step) Done(outcome, detail string) { s.end(outcome, detail, false) }

// Fail ends the step badly and prints the end of its log. It returns err, so
// that a caller can report and return in one line.
func (s *Step) Fail(err error) error {
	s.end("failed", "", true)
	return err
}

// Drop ends the step without a line, when there turned out to be nothing to say.
func (s *Step) Drop() {
	if s.r == nil {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if !s.ended {
		s.leave()
		s.r.draw()
	}
}

func (s *Step) end(outcome, detail string, failed bool) {
	if s.r == nil {
		return
	}
	r := s.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended {
		return
	}
	s.leave()
	line := fmt.Sprintf("%-*s %-*s %-*s %7s", areaWidth, s.area, subjectCols, s.subject,
		outcomeCols, outcome, seconds(time.Since(s.began)))
	if detail != "" {
		line += "   " + detail
	}
	r.print(line)
	if failed && !r.opts.Verbose {
		for _, l := range lastLines(s.log.String(), s.cut) {
			r.print("         | " + lastDrawn(l))
		}
	}
	r.draw()
}

// leave takes the step off the running ones. The caller holds the lock.
func (s *Step) leave() {
	r := s.r
	s.ended = true
	for i, other := range r.running {
		if other == s {
			r.running = append(r.running[:i], r.running[i+1:]...)
			break
		}
	}
	if len(r.running) == 0 && r.stop != nil {
		close(r.stop)
		r.stop = nil
	}
	if len(s.partial) > 0 {
		s.speak(string(s.partial))
		s.partial = nil
	}
}

// print writes finished lines above the live ones. The caller holds the lock.
func (r *Reporter) print(line string) {
	r.erase()
	fmt.Fprintln(r.w, strings.TrimRight(line, " "))
	r.draw()
}

func (r *Reporter) erase() {
	if r.drawn > 0 {
		fmt.Fprintf(r.w, "\x1b[%dA\x1b[J", r.drawn)
		r.drawn = 0
	}
}

func (r *Reporter) draw() {
	if !r.opts.Terminal {
		return
	}
	r.erase()
	for _, s := range r.running {
		line := fmt.Sprintf("%-*s %-*s %s", areaWidth, s.area, subjectCols, s.subject, seconds(time.Since(s.began)))
		if s.status != "" {
			line += "  " + oneLine(s.status)
		}
		fmt.Fprintln(r.w, clip(line, r.opts.Width-1))
	}
	r.drawn = len(r.running)
}

func (r *Reporter) tick(stop <-chan struct{}) {
	t := time.NewTicker(redraw)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
		}
		r.mu.Lock()
		select {
		case <-stop: // ended while this waited for the lock
			r.mu.Unlock()
			return
		default:
		}
		if r.opts.Terminal {
			r.draw()
		} else {
			r.heartbeat()
		}
		r.mu.Unlock()
	}
}

func (r *Reporter) heartbeat() {
	for _, s := range r.running {
		if time.Since(s.spoke) < Heartbeat {
			continue
		}
		s.spoke = time.Now()
		status := oneLine(s.status)
		if status == "" {
			status = "under way"
		}
		r.print(fmt.Sprintf("%-*s %-*s … %s, %s", areaWidth, s.area, subjectCols, s.subject, status, seconds(time.Since(s.began))))
	}
}

func seconds(d time.Duration) string {
	if d >= 100*time.Second {
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

func clip(line string, width int) string {
	runes := []rune(line)
	if len(runes) <= width || width < 2 {
		return line
	}
	return string(runes[:width-1]) + "…"
}

// oneLine keeps a status on its line: the live display counts lines.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// lastDrawn is what a terminal would show of a line that a command redrew with
// carriage returns, so that the command cannot overwrite the reporter's lines.
func lastDrawn(line string) string {
	line = strings.TrimRight(line, "\r")
	return line[strings.LastIndexByte(line, '\r')+1:]
}

// lastLines returns the end of a log; torn says that its first line lacks its
// beginning.
func lastLines(text string, torn bool) []string {
	if _, rest, ok := strings.Cut(text, "\n"); torn && ok {
		text = rest
	}
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-shownLines):]
}
