package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// module is a Go module of one version and content.
type module struct{ path, version, sum string }

func (m module) String() string { return m.path + "@" + m.version }

// download returns the folder of the module's files. Go fetches them, unless it
// has them, and compares them with its checksum database; here they are
// compared with the checksum that was reviewed.
func (m module) download() (dir string, err error) {
	command := exec.Command("go", "mod", "download", "-json", m.String())
	command.Dir = os.TempDir() // no module of this project: its go.mod stays as it is
	out, err := command.Output()
	var got struct{ Dir, Sum, Error string }
	if parsed := json.Unmarshal(out, &got); parsed != nil {
		return "", fmt.Errorf("download: %w", err)
	}
	switch {
	case got.Error != "":
		return "", fmt.Errorf("download: %s", got.Error)
	case err != nil:
		return "", fmt.Errorf("download: %w", err)
	case got.Sum != m.sum:
		return "", fmt.Errorf("its checksum is %s and the reviewed one is %s", got.Sum, m.sum)
	}
	return got.Dir, nil
}
