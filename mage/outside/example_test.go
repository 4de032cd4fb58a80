package outside_test

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"

	"todo-chatbot/mage/outside"
)

// Mirrors are asked before the registry itself.
func ExampleAccess_Candidates() {
	access, err := outside.Read(outside.Options{
		Getenv:  func(string) string { return "" },
		Mirrors: map[string]string{"quay.io": "harbor.example.com/quay"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ref, err := name.ParseReference("quay.io/team/image:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	candidates, err := access.Candidates(ref)
	fmt.Println(candidates, err)
	// Output: [harbor.example.com/quay/team/image:1 quay.io/team/image:1] <nil>
}
