package cluster

import (
	"time"

	"todo-chatbot/mage/kube"
)

const (
	pollTry   = 5 * time.Second // bound of one attempt, so that a stuck connection does not use up the whole wait
	unbounded = 0               // a wait that only its context ends
)

// poll waits within a bound. It retries refusals: a new cluster refuses its
// administrator for some seconds.
func poll(bound time.Duration) kube.Poll {
	return kube.Poll{Within: bound, Attempt: pollTry, RetryRefusals: true}
}
