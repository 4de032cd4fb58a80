package kube_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"todo-chatbot/mage/kube"
)

func ExamplePoll() {
	err := kube.Poll{Every: time.Millisecond, Within: 20 * time.Millisecond}.Until(context.Background(), func(context.Context) error {
		return errors.New("pod/todo-backend is not ready")
	})
	fmt.Println(err)
	// Output: after 20ms: pod/todo-backend is not ready
}

func ExampleStop() {
	err := kube.Poll{}.Until(context.Background(), func(context.Context) error {
		return kube.Stop(errors.New("job/backup failed"))
	})
	fmt.Println(err)
	// Output: job/backup failed
}
