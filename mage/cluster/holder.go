package cluster

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portHolder names the process that listens on a port of this machine, as in
// "nginx (process 123)". It returns "" on other systems than Linux, and for
// processes of other users, which /proc hides.
func portHolder(proc string, port int) string {
	sockets := map[string]bool{}
	for _, table := range []string{"net/tcp", "net/tcp6"} {
		listeners(filepath.Join(proc, table), port, sockets)
	}
	if len(sockets) == 0 {
		return ""
	}
	descriptors, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*")) // the only possible error is an invalid pattern
	for _, descriptor := range descriptors {
		target, err := os.Readlink(descriptor)
		if err != nil || !sockets[target] {
			continue
		}
		process := filepath.Dir(filepath.Dir(descriptor))
		name, err := os.ReadFile(filepath.Join(process, "comm"))
		if err != nil {
			continue
		}
		return fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), filepath.Base(process))
	}
	return ""
}

// listeners adds the sockets in a kernel table (proc_net_tcp(5)) that listen on the
// port, in the form of the links in /proc/PID/fd.
func listeners(table string, port int, sockets map[string]bool) {
	const local, state, inode, listening = 1, 3, 9, "0A"
	file, err := os.Open(table)
	if err != nil {
		return
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) <= inode || fields[state] != listening {
			continue
		}
		_, hex, _ := strings.Cut(fields[local], ":")
		if got, err := strconv.ParseUint(hex, 16, 16); err == nil && int(got) == port {
			sockets["socket:["+fields[inode]+"]"] = true
		}
	}
}
