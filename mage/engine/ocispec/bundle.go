package ocispec

import "path/filepath"

// Kind is the kind of a document.
type Kind int

// The documents that a runtime reads.
const (
	Bundle  Kind = iota // the config.json of create and run
	Process             // the process file of exec
)

// Document returns the document that a runtime with this command line reads. The
// path is empty for a command that reads none.
func Document(args []string) (path string, kind Kind) {
	command, bundle, processFile := "", ".", ""
	for i := 0; i < len(args); i++ {
		name, value, inline := flag(args[i])
		if name == "" {
			if command == "" {
				command = args[i]
			}
			continue
		}
		if !inline && takesValue[name] && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch name {
		case "bundle", "b":
			bundle = value
		case "process", "p":
			processFile = value
		}
	}
	switch command {
	case "create", "run":
		return filepath.Join(bundle, "config.json"), Bundle
	case "exec":
		return processFile, Process
	}
	return "", Bundle
}

// takesValue names runc's flags whose value is the next argument: those of
// `runc` itself, and of create, run and exec.
var takesValue = map[string]bool{
	"root": true, "log": true, "log-format": true, "rootless": true, "criu": true,
	"bundle": true, "b": true, "console-socket": true, "pid-file": true, "preserve-fds": true, "pidfd-socket": true,
	"process": true, "p": true, "cwd": true, "env": true, "e": true, "user": true, "u": true, "additional-gids": true, "g": true,
	"cap": true, "c": true, "apparmor": true, "process-label": true, "cgroup": true,
}

func flag(arg string) (name, value string, inline bool) {
	if len(arg) < 2 || arg[0] != '-' {
		return "", "", false
	}
	name = arg[1:]
	if name[0] == '-' {
		name = name[1:]
	}
	for i := range name {
		if name[i] == '=' {
			return name[:i], name[i+1:], true
		}
	}
	return name, "", false
}
