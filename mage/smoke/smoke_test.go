package smoke

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/progress"
)

func pass(detail string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return detail, nil }
}

func fail(err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return "", err }
}

func hang(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", context.Cause(ctx)
}

func TestChecksAfterAFailedCheckAreSkippedWithTheReason(t *testing.T) {
	var out bytes.Buffer
	verdict := Run(t.Context(), []Check{
		{Name: "a", Run: fail(errors.New("GET /: nothing"))},
		{Name: "b", Needs: []string{"a"}, Run: pass("")},
		{Name: "c", Needs: []string{"b"}, Run: pass("")},
		{Name: "d", Run: pass("fine")},
		{Name: "e", Needs: []string{"d", "no such check"}, Run: pass("")},
	}, progress.New(&out, progress.Options{}))
	var outcomes []Outcome
	for _, r := range verdict.Results {
		outcomes = append(outcomes, r.Outcome)
	}
	assert.Equal(t, []Outcome{Failed, Skipped, Skipped, Passed, Skipped}, outcomes)
	assert.Equal(t, `needs "a", which did not pass`, verdict.Results[1].Detail)
	assert.Equal(t, `needs "b", which did not pass`, verdict.Results[2].Detail)
	assert.Equal(t, []string{"a"}, verdict.Failed())
	assert.False(t, verdict.OK())
	assert.Regexp(t, `(?m)^smoke    a +failed +0\.0s\n +\| GET /: nothing$`, out.String(), "the cause is below the check")
	assert.Regexp(t, `(?m)^smoke    b +skipped +0\.0s   needs "a", which did not pass$`, out.String())
	assert.Regexp(t, `(?m)^smoke    d +ok +0\.0s   fine$`, out.String())
}

func TestAreasRunConcurrentlyAndTheirChecksInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		ends := map[string]time.Duration{}
		end := func(name string) func(context.Context) (string, error) {
			return func(context.Context) (string, error) {
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				ends[name] = time.Since(began)
				return "", nil
			}
		}
		verdict := Run(t.Context(), []Check{
			{Name: "page: live", Run: end("page: live")},
			{Name: "page: asset", Run: end("page: asset")},
			{Name: "account: sign up", Needs: []string{"page: live"}, Run: end("account: sign up")},
			{Name: "task: create", Needs: []string{"account: sign up"}, Run: end("task: create")},
		}, nil)
		assert.True(t, verdict.OK())
		assert.Equal(t, "task: create", verdict.Results[3].Name, "results keep their order")
		assert.Equal(t, map[string]time.Duration{
			"page: live": time.Second, "page: asset": 2 * time.Second, "account: sign up": 2 * time.Second, "task: create": 3 * time.Second,
		}, ends)
	})
}

func TestVerdictIsOKOnlyIfAllChecksPassed(t *testing.T) {
	assert.False(t, Verdict{}.OK(), "a verdict without checks is not OK")
	assert.True(t, Verdict{Results: []Result{{Outcome: Passed}}}.OK())
	assert.False(t, Verdict{Results: []Result{{Outcome: Passed}, {Outcome: Skipped}}}.OK())
}

func TestHangingCheckEndsAtItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		verdict := Run(t.Context(), []Check{{Name: "a", Run: hang}, {Name: "b", Bound: time.Second, Run: hang}}, nil)
		assert.Equal(t, PerCheck, verdict.Results[0].Duration)
		assert.EqualError(t, verdict.Results[0].Err, "no answer within 5s")
		assert.ErrorIs(t, verdict.Results[0].Err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, verdict.Results[1].Duration)
	})
}

func TestRunIsBoundedForAllChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		verdict := Run(t.Context(), []Check{{Name: "a", Bound: time.Hour, Run: hang}, {Name: "b", Run: pass("")}}, nil)
		assert.Equal(t, Overall, time.Since(began))
		assert.Equal(t, Failed, verdict.Results[0].Outcome)
		assert.Equal(t, Skipped, verdict.Results[1].Outcome)
		assert.Equal(t, "not run: the checks took longer than 1m30s", verdict.Results[1].Detail)
	})
}

func TestCleanupRunsInReverseOrderAfterAnInterrupt(t *testing.T) {
	var order []string
	cleanup := func(name string, err error) func(context.Context) error {
		return func(ctx context.Context) error {
			require.NoError(t, ctx.Err(), "cleanup has its own context")
			order = append(order, name)
			return err
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	Run(ctx, []Check{
		{Name: "a", Run: pass(""), Cleanup: cleanup("a", nil)},
		{Name: "b", Run: func(context.Context) (string, error) { cancel(); return "", nil }, Cleanup: cleanup("b", errors.New("still there"))},
		{Name: "c", Run: pass(""), Cleanup: cleanup("c", nil)},
	}, progress.New(&out, progress.Options{}))
	assert.Equal(t, []string{"b", "a"}, order, "a skipped check has no cleanup")
	assert.Contains(t, out.String(), "smoke    b: test data was not removed: still there")
}

// mixed contains characters that need escaping: quotes, angle brackets, control bytes.
func mixed() Verdict {
	return Verdict{Results: []Result{
		{Name: "frontend: page", Outcome: Passed, Duration: 1500 * time.Millisecond, Detail: `"Todo" & <Chatbot>`},
		{Name: "backend: live", Outcome: Failed, Duration: 250 * time.Millisecond, Err: errors.New("GET /api/livez: want <200>\x00\ngot \"502\"")},
		{Name: "task: create", Outcome: Skipped, Detail: `needs "backend: live", which did not pass`},
	}}
}

func TestTableHasOneLineForEachCheck(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, mixed().WriteTable(&out))
	assert.Equal(t, strings.Join([]string{
		`CHECK           OUTCOME  TIME   DETAIL`,
		`frontend: page  passed   1.50s  "Todo" & <Chatbot>`,
		"backend: live   failed   0.25s  GET /api/livez: want <200>\x00 got \"502\"",
		`task: create    skipped  -      needs "backend: live", which did not pass`, ``,
	}, "\n"), out.String())
}

func TestJUnitXMLCanBeReadBack(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, mixed().WriteJUnit(&out))
	assert.True(t, strings.HasPrefix(out.String(), "<?xml"))
	var read struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Time     string `xml:"time,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Time    string `xml:"time,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
				Skipped *struct {
					Message string `xml:"message,attr"`
				} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(out.Bytes(), &read))
	require.Len(t, read.Suites, 1)
	suite := read.Suites[0]
	assert.Equal(t, []any{"smoke", 3, 1, 1, "1.750"}, []any{suite.Name, suite.Tests, suite.Failures, suite.Skipped, suite.Time})
	require.Len(t, suite.Cases, 3)
	assert.Equal(t, "frontend: page", suite.Cases[0].Name)
	assert.Nil(t, suite.Cases[0].Failure)
	require.NotNil(t, suite.Cases[1].Failure)
	assert.Equal(t, "GET /api/livez: want <200>\uFFFD\ngot \"502\"", suite.Cases[1].Failure.Message)
	assert.Equal(t, "0.250", suite.Cases[1].Time)
	require.NotNil(t, suite.Cases[2].Skipped)
	assert.Contains(t, suite.Cases[2].Skipped.Message, "backend: live")
}

func TestJSONCanBeReadBack(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, mixed().WriteJSON(&out))
	var read map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	assert.Equal(t, false, read["ok"])
	results := read["results"].([]any)
	assert.Equal(t, map[string]any{"name": "frontend: page", "outcome": "passed", "seconds": 1.5, "detail": `"Todo" & <Chatbot>`}, results[0])
	assert.Equal(t, "GET /api/livez: want <200>\x00\ngot \"502\"", results[1].(map[string]any)["error"])

	out.Reset()
	require.NoError(t, Verdict{}.WriteJSON(&out))
	assert.JSONEq(t, `{"ok":false,"results":[]}`, out.String())
}

func TestHideTokensRemovesCredentials(t *testing.T) {
	for given, want := range map[string]string{
		`{"token":"abc","x":1}`:     `{"token":"[token]","x":1}`,
		`Bearer ` + signed("u"):     `Bearer [token]`,
		`cut short eyJhbGciOiJIUzI`: `cut short [token]`,
		`a plain sentence`:          `a plain sentence`,
	} {
		assert.Equal(t, want, hideTokens(given))
	}
}
