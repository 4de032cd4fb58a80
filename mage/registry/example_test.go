package registry_test

import (
	"fmt"

	"todo-chatbot/mage/registry"
)

// A registry may have a path, below which the repositories are.
func ExampleParse() {
	place, err := registry.Parse("harbor.example.com/team")
	if err != nil {
		fmt.Println(err)
		return
	}
	repository, err := place.Repository("todo-chatbot/backend")
	fmt.Println(repository, err)
	_, err = registry.Parse("https://harbor.example.com")
	fmt.Println(err != nil)
	// Output:
	// harbor.example.com/team/todo-chatbot/backend <nil>
	// true
}
