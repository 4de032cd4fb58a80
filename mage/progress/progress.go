// Package progress reports to a person what happens: one line per step on a
// stream, usually stderr. It prints a step's log only if the step fails or the
// reporter is verbose. Results do not belong here; they go to stdout.
package progress

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Heartbeat is the interval at which a stream that is not a terminal repeats a
// running step. A terminal redraws its live lines several times per second.
const Heartbeat = 20 * time.Second

const (
	redraw      = 120 * time.Millisecond
	keptLog     = 16 << 10 // bytes of a step's log kept for a failure
	shownLines  = 30
	areaWidth   = 8
	subjectCols = 24
	outcomeCols = 18
)

// Options configure a Reporter; the zero value suits a log file.
type Options struct {
	Terminal bool // the stream is a terminal: running steps are shown live
	Verbose  bool // a step's log is printed immediately
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

// Step is one running step. Its methods may be called from several goroutines.
// The first call of Done, Fail or Drop ends it; later calls do nothing.
type Step struct {
	r             *Reporter
	area, subject string
	began         time.Time

	status  string // text of the last Update
	spoke   time.Time
	log     bytes.Buffer
	cut     bool   // the log lost its beginning, so its first line is incomplete
	partial []byte // verbose output without a line end so far
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

// Update sets the text that the live display and the heartbeat show.
func (s *Step) Update(format string, args ...any) {
	if s.r == nil {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.status = fmt.Sprintf(format, args...)
}

// Write appends to the step's log, for example the output of a command.
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

// Done ends the step with success. outcome is a word or two ("ready", "built,
// pushed"); detail gives the reason or the amount and may be empty.
func (s *Step) Done(outcome, detail string) { s.end(outcome, detail, nil) }

// Fail ends the step as failed and prints the end of its log. It returns err, so
// that a caller can report and return in one line.
func (s *Step) Fail(err error) error {
	s.end("failed", "", s.tail)
	return err
}

// Drop ends the step without printing a line.
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

// end prints the step's line and below it the lines that log returns, if it is
// not nil.
func (s *Step) end(outcome, detail string, log func() []string) {
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
	if log != nil {
		for _, l := range log() {
			r.print("         | " + lastDrawn(l))
		}
	}
	r.draw()
}

// tail returns the last complete lines of the step's log, unless a verbose
// reporter has printed them. The caller holds the lock.
func (s *Step) tail() []string {
	if s.r.opts.Verbose {
		return nil
	}
	text := s.log.String()
	if _, rest, ok := strings.Cut(text, "\n"); s.cut && ok {
		text = rest
	}
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-shownLines):]
}

// leave removes the step from the running ones. The caller holds the lock.
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
		case <-stop: // stopped while this goroutine waited for the lock
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
			status = "running"
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

// oneLine removes line breaks, because the live display counts its lines.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// lastDrawn returns the text after the last carriage return in a line, which is
// the final state of a progress bar. Without it, a command could overwrite the
// reporter's lines.
func lastDrawn(line string) string {
	line = strings.TrimRight(line, "\r")
	return line[strings.LastIndexByte(line, '\r')+1:]
}
