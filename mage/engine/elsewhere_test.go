package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEngineElsewhereIsRecognised(t *testing.T) {
	for name, c := range map[string]struct {
		place place
		says  string
	}{
		"local socket":                {place{address: "unix:///var/run/docker.sock", name: "laptop", hostname: "laptop"}, ""},
		"Docker Desktop's machine":    {place{address: "unix:///home/me/.docker/run/docker.sock", name: "docker-desktop", hostname: "laptop"}, ""},
		"Windows pipe":                {place{address: "npipe:////./pipe/docker_engine", name: "docker-desktop", hostname: "laptop"}, ""},
		"loopback":                    {place{address: "tcp://127.0.0.1:2375", name: "laptop", hostname: "laptop"}, ""},
		"loopback of version 6":       {place{address: "tcp://[::1]:2375"}, ""},
		"name of this machine":        {place{address: "tcp://localhost:2375"}, ""},
		"another machine":             {place{address: "tcp://build.example.com:2376"}, "another machine (build.example.com)"},
		"address of another machine":  {place{address: "tcp://10.0.0.7:2376"}, "another machine (10.0.0.7)"},
		"container, mounted socket":   {place{address: "unix:///var/run/docker.sock", name: "laptop", hostname: "3f1c", container: true}, `socket comes from the machine "laptop"`},
		"container, the host's names": {place{address: "unix:///var/run/docker.sock", name: "laptop", hostname: "laptop", container: true}, ""},
	} {
		if c.says == "" {
			assert.Empty(t, c.place.elsewhere(), name)
		} else {
			assert.Contains(t, c.place.elsewhere(), c.says, name)
		}
	}
}

func TestFindRefusesSSHWithTheWayOut(t *testing.T) {
	t.Setenv("DOCKER_HOST", "ssh://me@build.example.com")
	_, err := Find(t.Context())
	assert.ErrorContains(t, err, "ssh://me@build.example.com: the pipeline does not connect by ssh")
	assert.ErrorContains(t, err, "TODO_PROVIDER=kubecontext")
}
