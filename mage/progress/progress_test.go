package progress

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func lines(out string) []string {
	return strings.Split(strings.TrimRight(out, "\n"), "\n")
}

func TestStepPrintsOneLineToLogFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := New(&out, Options{})
		s := r.Start("image", "backend")
		s.Update("1 of 2")
		_, _ = s.Write([]byte("step 1\nstep 2\n"))
		time.Sleep(1500 * time.Millisecond)
		assert.Empty(t, out.String(), "nothing is printed before the step ends")
		s.Done("built, pushed", "2 of 7 layers new")
		assert.Equal(t, "image    backend                  built, pushed         1.5s   2 of 7 layers new\n", out.String())
	})
}

func TestDurationsAreShort(t *testing.T) {
	for _, c := range []struct {
		took time.Duration
		want string
	}{
		{0, "0.0s"},
		{1240 * time.Millisecond, "1.2s"},
		{99 * time.Second, "99.0s"},
		{100 * time.Second, "1m40s"},
		{11*time.Minute + 3*time.Second, "11m03s"},
	} {
		assert.Equal(t, c.want, seconds(c.took))
	}
}

func TestLongStepIsRepeatedAtEachHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := New(&out, Options{})
		s := r.Start("airgap", "node")
		time.Sleep(Heartbeat + time.Second)
		s.Update("compiling\n3 of 7")
		time.Sleep(Heartbeat)
		s.Done("made", "")

		got := lines(out.String())
		if assert.Len(t, got, 3, out.String()) {
			assert.Regexp(t, `^airgap   node +… running, 20\.\ds$`, got[0])
			assert.Regexp(t, `^airgap   node +… compiling 3 of 7, 40\.\ds$`, got[1], "a status has no line break")
			assert.Regexp(t, `^airgap   node +made +41\.0s$`, got[2])
		}
		time.Sleep(2 * Heartbeat)
		assert.Len(t, lines(out.String()), 3, "an ended step is not repeated")
	})
}

func TestFailedStepPrintsEndOfItsLog(t *testing.T) {
	var all strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&all, "compile package %04d\n", i)
	}
	for _, c := range []struct {
		name, log   string
		lines       int
		first, last string
	}{
		{name: "an empty log prints nothing", log: "", lines: 0},
		{name: "a short log is printed whole", log: "a\nb", lines: 2, first: "a", last: "b"},
		{name: "a long log is cut to its last lines", log: all.String(), lines: shownLines, first: "compile package 1970", last: "compile package 1999"},
		{name: "the last state of a progress bar is printed", log: "10%\r50%\rgone\r\n", lines: 1, first: "gone", last: "gone"},
		{name: "an incomplete first line is omitted", log: strings.Repeat("x", keptLog) + "\nwhole\n", lines: 1, first: "whole", last: "whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			s := New(&out, Options{}).Start("image", "frontend")
			_, _ = s.Write([]byte(c.log))
			cause := errors.New("exit status 1")
			assert.Same(t, cause, s.Fail(cause), "the error is returned unchanged")

			got := lines(out.String())
			assert.Regexp(t, `^image    frontend +failed +\d+\.\ds$`, got[0])
			tail := got[1:]
			if assert.Len(t, tail, c.lines) && c.lines > 0 {
				assert.Equal(t, "         | "+c.first, tail[0])
				assert.Equal(t, "         | "+c.last, tail[c.lines-1])
			}
		})
	}
}

func TestVerboseReporterPrintsLogImmediately(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, Options{Verbose: true}).Start("image", "backend")
	_, _ = s.Write([]byte("one\ntw"))
	assert.Equal(t, "  backend | one\n", out.String(), "an incomplete line is held back")
	_, _ = s.Write([]byte("o\r\nno line end"))
	_ = s.Fail(errors.New("stopped"))

	got := lines(out.String())
	if assert.Len(t, got, 4, "the log is not printed twice") {
		assert.Equal(t, "  backend | two", got[1])
		assert.Equal(t, "  backend | no line end", got[2], "an incomplete last line is printed at the end")
		assert.Contains(t, got[3], "failed")
	}
}

func TestTerminalShowsRunningSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := New(&out, Options{Terminal: true, Width: 80})
		a := r.Start("image", "backend")
		b := r.Start("cluster", "kind/todo")
		a.Update("installing\npackages, %s", strings.Repeat("very ", 20))
		time.Sleep(time.Second)
		r.Note("a note")
		screen := render(out.String())
		if assert.Len(t, screen, 3) {
			assert.Equal(t, "a note", screen[0], "finished lines are above live lines")
			assert.Contains(t, screen[1], "installing packages, very")
			assert.True(t, strings.HasSuffix(screen[1], "…"), "a long line does not wrap")
			assert.LessOrEqual(t, len([]rune(screen[1])), 79)
			assert.Regexp(t, `^cluster  kind/todo +1\.0s$`, screen[2])
		}

		b.Done("ready", "")
		a.Done("built", "all layers new")
		screen = render(out.String())
		if assert.Len(t, screen, 3, "no live line remains") {
			assert.Regexp(t, `^cluster  kind/todo +ready +1\.0s$`, screen[1])
			assert.Regexp(t, `^image    backend +built +1\.0s   all layers new$`, screen[2])
		}
	})
}

// render returns the screen of a terminal that knows the control codes of the
// reporter: line feed, cursor up and erase below.
func render(out string) []string {
	var screen []string
	row := 0
	for out != "" {
		if rest, ok := strings.CutPrefix(out, "\x1b["); ok {
			n := 0
			for rest[0] >= '0' && rest[0] <= '9' {
				n = n*10 + int(rest[0]-'0')
				rest = rest[1:]
			}
			switch rest[0] {
			case 'A':
				row -= n
			case 'J':
				screen = screen[:row]
			}
			out = rest[1:]
			continue
		}
		line, rest, _ := strings.Cut(out, "\n")
		screen = append(screen[:row], line)
		row++
		out = rest
	}
	return screen
}

func TestOnlyFirstEndOfStepCounts(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, Options{})
	s := r.Start("release", "todo-dev/todo")
	s.Done("revision 7", "")
	_ = s.Fail(errors.New("too late"))
	s.Done("revision 8", "")
	assert.Len(t, lines(out.String()), 1)
	assert.Contains(t, out.String(), "revision 7")
}

func TestNilReporterDiscardsEverything(t *testing.T) {
	var r *Reporter
	r.Note("%d", 1)
	s := r.Start("image", "backend")
	s.Update("1 of 2")
	n, err := s.Write([]byte("text"))
	assert.Equal(t, 4, n)
	assert.NoError(t, err)
	s.Done("done", "")
	cause := errors.New("cause")
	assert.Same(t, cause, s.Fail(cause))
}

func TestConcurrentStepsKeepLinesWhole(t *testing.T) {
	for _, opts := range []Options{{}, {Verbose: true}, {Terminal: true}} {
		t.Run(fmt.Sprintf("%+v", opts), func(t *testing.T) {
			var out bytes.Buffer
			r := New(&out, opts)
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					s := r.Start("image", fmt.Sprintf("number-%02d", i))
					for j := range 10 {
						s.Update("%d of 10", j)
						fmt.Fprintf(s, "line %d\n", j)
					}
					r.Note("note %02d", i)
					s.Done("built", "")
				})
			}
			wg.Wait()
			finished := 0
			for _, line := range render(out.String()) {
				if strings.Contains(line, "built") {
					finished++
					assert.Regexp(t, `^image    number-\d\d +built +\d\.\ds$`, line)
				}
			}
			assert.Equal(t, 20, finished)
		})
	}
}
