package diagnose

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"todo-chatbot/mage/kube"
)

const (
	keptEvents   = 5  // of one object
	keptWarnings = 10 // of the namespace
)

// eventTime is the time when an event was last seen. Old and new event recorders
// fill different fields.
func eventTime(e corev1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

// eventsOf are the events about an object, oldest first.
func (s *Snapshot) eventsOf(uid types.UID) []corev1.Event {
	var out []corev1.Event
	for _, e := range s.events {
		if e.InvolvedObject.UID == uid {
			out = append(out, e)
		}
	}
	return out
}

// lastCreateFailure says why an owner could not create its last pod; it is empty if
// the owner could.
func (s *Snapshot) lastCreateFailure(owner types.UID) string {
	message := ""
	for _, e := range s.eventsOf(owner) {
		switch e.Reason {
		case "FailedCreate":
			message = e.Message
		case "SuccessfulCreate":
			message = ""
		}
	}
	return message
}

// eventLine is one event as a line: Warning BackOff pod/a (4 times): Back-off ….
func eventLine(e corev1.Event) string {
	count := e.Count
	if e.Series != nil {
		count = e.Series.Count
	}
	times := ""
	if count > 1 {
		times = fmt.Sprintf(" (%d times)", count)
	}
	return fmt.Sprintf("%s %s %s%s: %s", e.Type, e.Reason, kube.Ref(e.InvolvedObject.Kind, e.InvolvedObject.Name), times, oneLine(e.Message))
}
func warningLines(events []corev1.Event) []string {
	var out []string
	for _, e := range events {
		if e.Type == corev1.EventTypeWarning {
			out = append(out, eventLine(e))
		}
	}
	return out[max(0, len(out)-keptEvents):]
}

// Warnings are the newest warnings in the namespace since a time, oldest first.
func (s *Snapshot) Warnings(since time.Time) []string {
	var out []string
	for _, e := range s.events {
		if e.Type == corev1.EventTypeWarning && eventTime(e).After(since) {
			out = append(out, eventTime(e).UTC().Format(time.RFC3339)+" "+eventLine(e))
		}
	}
	return out[max(0, len(out)-keptWarnings):]
}
