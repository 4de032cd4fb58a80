package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Goals with the specified limits (backend 500m CPU and 512Mi, frontend 300m and
// 256Mi): a list of todos, and an answer of the built-in model.
const (
	goalTasks  = 300 * time.Millisecond
	goalChat   = time.Second
	goalMemory = 700 << 20 // bytes, of all pods together
)

// Report is the result of a run.
type Report struct {
	Users      int             `json:"users"`
	Seconds    float64         `json:"seconds"`
	Requests   int             `json:"requests"`
	Rate       float64         `json:"requests_per_second"`
	Errors     int             `json:"errors"`
	FirstError string          `json:"first_error,omitempty"`
	Routes     []Route         `json:"routes"`
	Pods       map[string]Need `json:"pods"`
}

// Route holds the times of one kind of request, in milliseconds.
type Route struct {
	Name   string  `json:"route"`
	Count  int     `json:"count"`
	Errors int     `json:"errors"`
	P50    float64 `json:"p50_ms"`
	P95    float64 `json:"p95_ms"`
	P99    float64 `json:"p99_ms"`
	Worst  float64 `json:"worst_ms"`
	Goal   float64 `json:"p99_goal_ms"`
}

// Need is the peak need of a pod.
type Need struct {
	Memory int64   `json:"memory_bytes"` // working set, which the limit counts
	CPU    float64 `json:"cpu_cores"`    // over the kubelet's own interval, 10 to 20 s
}

// log collects the results of all users.
type log struct {
	mu     sync.Mutex
	took   map[string][]time.Duration
	failed map[string]int
	first  error
}

func newLog() *log {
	return &log{took: map[string][]time.Duration{}, failed: map[string]int{}}
}

func (l *log) note(route string, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took[route] = append(l.took[route], took)
	if err != nil {
		l.failed[route]++
		if l.first == nil {
			l.first = err
		}
	}
}

func (l *log) report(users int, took time.Duration, pods map[string]Need) Report {
	r := Report{Users: users, Seconds: took.Seconds(), Pods: pods}
	for _, name := range slices.Sorted(maps.Keys(l.took)) {
		times := slices.Sorted(slices.Values(l.took[name]))
		goal := goalTasks
		if strings.HasPrefix(name, "chat") {
			goal = goalChat
		}
		r.Routes = append(r.Routes, Route{
			Name: name, Count: len(times), Errors: l.failed[name], Goal: ms(goal),
			P50: ms(quantile(times, 0.50)), P95: ms(quantile(times, 0.95)), P99: ms(quantile(times, 0.99)), Worst: ms(times[len(times)-1]),
		})
		r.Requests += len(times)
		r.Errors += l.failed[name]
	}
	r.Rate = float64(r.Requests) / took.Seconds()
	if l.first != nil {
		r.FirstError = l.first.Error()
	}
	return r
}

// quantile returns the smallest time that a share q of the sorted times does not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func ms(d time.Duration) float64 { return math.Round(d.Seconds()*1e4) / 10 }

func (r Report) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "ROUTE\tREQUESTS\tERRORS\tP50 ms\tP95 ms\tP99 ms\tWORST ms\tP99 GOAL\t")
	for _, route := range r.Routes {
		fmt.Fprintf(table, "%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t\n",
			route.Name, route.Count, route.Errors, route.P50, route.P95, route.P99, route.Worst, met(route.P99 <= route.Goal, fmt.Sprintf("%.0f", route.Goal)))
	}
	table.Flush()
	fmt.Fprintf(w, "\n%d requests in %.1f s, %.1f a second, of %d people; %d errors\n\n", r.Requests, r.Seconds, r.Rate, r.Users, r.Errors)
	if len(r.Pods) == 0 {
		fmt.Fprintln(w, "The need of the pods is unknown: TODO_TEST_KUBECONFIG is not set.")
		return
	}
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "POD\tMEMORY MiB\tCPU m\t")
	var memory int64
	for _, name := range slices.Sorted(maps.Keys(r.Pods)) {
		need := r.Pods[name]
		memory += need.Memory
		fmt.Fprintf(table, "%s\t%.0f\t%.0f\t\n", name, float64(need.Memory)/(1<<20), need.CPU*1000)
	}
	fmt.Fprintf(table, "together\t%.0f\t\t goal %s\n", float64(memory)/(1<<20), met(memory < goalMemory, fmt.Sprintf("%d MiB", goalMemory>>20)))
	table.Flush()
}

func met(is bool, goal string) string {
	if is {
		return goal + " met"
	}
	return goal + " missed"
}
