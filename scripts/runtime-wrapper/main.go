//go:build unix

// Command runtime-wrapper is an OCI runtime that limits a container's requests
// to the rights of the host and then executes runc. It is installed only where
// root lacks CAP_SYS_RESOURCE, because runc refuses privileged containers there.
package main

import (
	"fmt"
	"os"
	"syscall"

	"todo-chatbot/mage/engine/ocispec"
)

// runtimes are the paths of runc in the packages of Debian and Docker. The path
// of the wrapper in a node image, /usr/local/sbin, must not be one of them.
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
	fmt.Fprintf(os.Stderr, "runtime-wrapper: find runc at %q: not found: install the package runc\n", runtimes)
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
