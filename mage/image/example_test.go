package image_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"todo-chatbot/mage/image"
)

// The input key is known before anything is built, and changes with every file that
// goes into the image.
func ExampleDiscover() {
	dir, err := os.MkdirTemp("", "images")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	key := func(content string) image.Key {
		folder := filepath.Join(dir, "worker")
		_ = os.MkdirAll(folder, 0o755)
		_ = os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte("FROM scratch\nCOPY a /a\n"), 0o644)
		_ = os.WriteFile(filepath.Join(folder, "a"), []byte(content), 0o644)
		inputs, err := image.Discover(dir)
		if err == nil {
			err = inputs[0].Load(context.Background(), nil)
		}
		if err != nil {
			fmt.Println(err)
			return image.Key{}
		}
		return inputs[0].Key()
	}
	before, same, after := key("one"), key("one"), key("two")
	fmt.Println(before.Tag() == same.Tag(), before.Tag() == after.Tag())
	// Output: true false
}
