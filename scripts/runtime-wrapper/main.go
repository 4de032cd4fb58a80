//go:build unix

// Command runtime-wrapper is an OCI runtime that asks for no more than the
// host can give and leaves the rest to runc. It is needed, and installed, only
// where root lacks CAP_SYS_RESOURCE: there runc refuses privileged containers.
package main

import (
	"fmt"
	"os"
	"syscall"

	"todo-chatbot/mage/engine/ocispec"
)

// Where Debian and the Docker packages put runc. Never the wrapper's own place
// in a node image, /usr/local/sbin.
var runtimes = []string{"/usr/sbin/runc", "/usr/bin/runc"}

func main() {
	if err := restrict(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runtime-wrapper:", err)
		os.Exit(1)
	}
	for _, runc := range runtimes {
		if _, err := os.Stat(runc); err == nil {
			err = syscall.Exec(runc, append([]string{"runc"}, os.Args[1:]...), os.Environ())
			fmt.Fprintf(os.Stderr, "runtime-wrapper: run %q: %v\n", runc, err)
			os.Exit(1)
		}
	}
	fmt.Fprintf(os.Stderr, "runtime-wrapper: no runc at %q: install the package runc\n", runtimes)
	os.Exit(1)
}

func restrict(args []string) error {
	path, kind := ocispec.Document(args)
	if path == "" {
		return nil
	}
	host, err := ocispec.ReadHost()
	if err != nil {
		return err
	}
	return host.RestrictFile(path, kind)
}
