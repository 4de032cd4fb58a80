package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSharesOfActionsSumToHundred(t *testing.T) {
	sum := 0
	for _, a := range actions {
		sum += a.share
	}
	assert.Equal(t, 100, sum)
	for range 1000 {
		assert.False(t, (&user{}).chooses().needs, "a user without todos chose an action on one")
	}
	assert.Equal(t, "DELETE task", (&user{todos: make([]int64, keep+1)}).chooses().route)
}

func TestQuantilesAreMeasuredTimes(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(i+1)*time.Millisecond)
	}
	assert.Equal(t, 100*time.Millisecond, quantile(times, 0.50))
	assert.Equal(t, 198*time.Millisecond, quantile(times, 0.99))
	assert.Equal(t, 7*time.Millisecond, quantile([]time.Duration{7 * time.Millisecond}, 0.99))
}

func TestReportCountsErrorsAndComparesGoals(t *testing.T) {
	l := newLog()
	l.note("GET tasks", 20*time.Millisecond, nil)
	l.note("GET tasks", 400*time.Millisecond, errors.New("GET /tasks: want status 200, got 503"))
	l.note("chat", 900*time.Millisecond, nil)
	r := l.report(2, 10*time.Second, map[string]Need{"todo-backend-1": {Memory: 150 << 20, CPU: 0.25}})
	assert.Equal(t, 3, r.Requests)
	assert.Equal(t, 1, r.Errors)
	assert.Equal(t, "GET /tasks: want status 200, got 503", r.FirstError)
	assert.InDelta(t, 0.3, r.Rate, 1e-9)
	var out strings.Builder
	r.print(&out)
	assert.Regexp(t, `GET tasks +2 +1 +20\.0 +400\.0 +400\.0 +400\.0 +300 missed`, out.String())
	assert.Regexp(t, `chat +1 +0 +900\.0 .* 1000 met`, out.String())
	assert.Regexp(t, `todo-backend-1 +150 +250`, out.String())
	assert.Contains(t, out.String(), "700 MiB met")
}

// Output of a kubelet of Kubernetes 1.36, shortened.
const kubelet = `{"node":{"nodeName":"n"},"pods":[
 {"podRef":{"name":"todo-backend-1","namespace":"todo-dev","uid":"u"},"containers":[{"name":"backend","startTime":"2026-01-01T00:00:00Z",
  "cpu":{"time":"2026-01-01T00:01:%sZ","usageNanoCores":1,"usageCoreNanoSeconds":%s},"memory":{"time":"2026-01-01T00:01:00Z","usageBytes":9,"workingSetBytes":%s,"rssBytes":5}}]},
 {"podRef":{"name":"other","namespace":"todo-dev"},"containers":[{"name":"x","cpu":{},"memory":{"workingSetBytes":1}}]},
 {"podRef":{"name":"todo-backend-1","namespace":"elsewhere"},"containers":[{"name":"x","cpu":{},"memory":{"workingSetBytes":1}}]}]}`

func TestPeakNeedOfPodIsKept(t *testing.T) {
	w := &pods{namespace: "todo-dev", before: map[string]sample{}, most: map[string]Need{}}
	see := func(second, used, memory string) {
		var s summary
		text := strings.NewReplacer("01:%s", "01:"+second, ":%s},\"memory\"", ":"+used+"},\"memory\"", "workingSetBytes\":%s", "workingSetBytes\":"+memory).Replace(kubelet)
		require.NoError(t, json.Unmarshal([]byte(text), &s))
		w.take(s, map[string]bool{"todo-backend-1": true})
	}
	see("00", "10000000000", "1000")
	see("00", "10000000000", "3000") // the kubelet has not measured again
	see("10", "14000000000", "2000")
	see("20", "15000000000", "2000")
	assert.Equal(t, map[string]Need{"todo-backend-1": {Memory: 3000, CPU: 0.4}}, w.most)
}
