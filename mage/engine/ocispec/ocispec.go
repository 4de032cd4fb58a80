// Package ocispec removes from the JSON documents that a container engine gives
// to an OCI runtime what the host cannot grant: where root lacks a capability,
// runc refuses a privileged container instead of starting it without that
// capability. It is not a general editor of OCI bundles.
package ocispec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Host holds the limits of what this process can grant to a container.
type Host struct {
	Bounding    uint64 // the capability bounding set, bit n for capability n
	OOMScoreAdj int    // of this process; without CAP_SYS_RESOURCE a container cannot get a lower one
}

// SysResource is the number of CAP_SYS_RESOURCE (capabilities(7)). Without it, a
// process can neither lower an oom_score_adj nor raise a hard resource limit.
const SysResource = 24

// Has tells whether the bounding set has a capability.
func (h Host) Has(capability int) bool { return h.Bounding&(1<<capability) != 0 }

// ParseHost reads the texts of /proc/self/status and /proc/self/oom_score_adj.
func ParseHost(status, oomScoreAdj string) (Host, error) {
	var h Host
	for line := range strings.Lines(status) {
		value, ok := strings.CutPrefix(line, "CapBnd:")
		if !ok {
			continue
		}
		bounding, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return h, fmt.Errorf("read capability bounding set %q: %w", value, err)
		}
		h.Bounding = bounding
		adj, err := strconv.Atoi(strings.TrimSpace(oomScoreAdj))
		if err != nil {
			return h, fmt.Errorf("read oom_score_adj %q: %w", oomScoreAdj, err)
		}
		h.OOMScoreAdj = adj
		return h, nil
	}
	return h, fmt.Errorf("process status has no CapBnd line")
}

// Restrict removes from a document the capabilities that the host lacks, and
// raises an oom_score_adj that it cannot set. All other fields stay.
func (h Host) Restrict(document []byte, kind Kind) ([]byte, error) {
	var root map[string]any
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("parse runtime document: %w", err)
	}
	target := root
	if kind == Bundle {
		target, _ = root["process"].(map[string]any)
	}
	if target != nil {
		h.restrictProcess(target)
	}
	return json.Marshal(root)
}

func (h Host) restrictProcess(process map[string]any) {
	if sets, ok := process["capabilities"].(map[string]any); ok {
		for name, set := range sets {
			wanted, ok := set.([]any)
			if !ok {
				continue
			}
			kept := make([]any, 0, len(wanted))
			for _, c := range wanted {
				text, _ := c.(string)
				if number, known := capabilities[text]; !known || h.Has(number) {
					kept = append(kept, c)
				}
			}
			sets[name] = kept
		}
	}
	if h.Has(SysResource) {
		return
	}
	if number, ok := process["oomScoreAdj"].(json.Number); ok {
		if adj, err := number.Int64(); err == nil && adj < int64(h.OOMScoreAdj) {
			process["oomScoreAdj"] = max(0, h.OOMScoreAdj)
		}
	}
}

// capabilities numbers the names of capabilities(7), as in linux/capability.h.
var capabilities = numbered(
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
	"IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
	"SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
	"LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
	"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)

func numbered(names ...string) map[string]int {
	m := make(map[string]int, len(names))
	for i, name := range names {
		m["CAP_"+name] = i
	}
	return m
}
