package chart_test

import (
	"fmt"

	"todo-chatbot/mage/chart"
)

// Later layers override earlier ones, table by table. The pipeline's own block is
// not part of the result.
func ExampleCompose() {
	file, err := chart.ParseLayer("values/dev.yaml", []byte("backend: {replicas: 1, image: {tag: a}}\npipeline: {release: todo}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	decided := chart.Layer{Origin: "the pipeline", Values: map[string]any{"backend": map[string]any{"image": map[string]any{"tag": "b"}}}}
	fmt.Println(chart.Compose(file, decided).Map())
	// Output: map[backend:map[image:map[tag:b] replicas:1]]
}
