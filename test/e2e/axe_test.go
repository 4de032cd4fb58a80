package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// axe is the source of axe-core, of the version that the frontend's lock file
// pins for its own tests.
type axe struct{ source, version string }

// locked is the entry of a package in the lock file.
type locked struct {
	Version   string `json:"version"`
	Integrity string `json:"integrity"`
}

const frontend = "../../images/frontend"

// findAxe reads axe-core from the frontend's node_modules, or fetches it with npm.
// Its error says why neither worked.
func findAxe(t *testing.T) (*axe, error) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(frontend, "package-lock.json"))
	require.NoError(t, err)
	var lock struct{ Packages map[string]locked }
	require.NoError(t, json.Unmarshal(content, &lock))
	pin, ok := lock.Packages["node_modules/axe-core"]
	require.True(t, ok, "package-lock.json does not pin axe-core")
	if source, err := installedAxe(pin); err == nil {
		return &axe{source: source, version: pin.Version}, nil
	}
	source, err := packedAxe(t, pin)
	if err != nil {
		return nil, err
	}
	return &axe{source: source, version: pin.Version}, nil
}

func installedAxe(pin locked) (string, error) {
	folder := filepath.Join(frontend, "node_modules", "axe-core")
	content, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return "", err
	}
	var installed locked
	if err := json.Unmarshal(content, &installed); err != nil {
		return "", err
	}
	if installed.Version != pin.Version {
		return "", fmt.Errorf("axe-core %s is installed, and not %s", installed.Version, pin.Version)
	}
	source, err := os.ReadFile(filepath.Join(folder, "axe.min.js"))
	return string(source), err
}

// packedAxe fetches the package with npm and checks it against the lock file.
func packedAxe(t *testing.T, pin locked) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("axe-core is neither installed in images/frontend/node_modules nor is npm on the PATH to fetch it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	folder := t.TempDir()
	pack := exec.CommandContext(ctx, npm, "pack", "axe-core@"+pin.Version, "--ignore-scripts", "--prefer-offline", "--pack-destination", folder)
	pack.Dir = folder
	if out, err := pack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch axe-core %s with npm: %w: %s", pin.Version, err, bytes.TrimSpace(out))
	}
	archives, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	require.NoError(t, err)
	require.Len(t, archives, 1)
	content, err := os.ReadFile(archives[0])
	require.NoError(t, err)
	sum := sha512.Sum512(content)
	require.Equal(t, pin.Integrity, "sha512-"+base64.StdEncoding.EncodeToString(sum[:]), "npm's axe-core is not the locked one")
	return fileIn(content, "package/axe.min.js")
}

func fileIn(archive []byte, name string) (string, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(unpacked); ; {
		header, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("find %q in the archive: %w", name, err)
		}
		if header.Name == name {
			content, err := io.ReadAll(files)
			return string(content), err
		}
	}
}

// fault is a rule that a state violates.
type fault struct {
	Rule, Impact, Help string
	Where              []string
}

// faults maps each violated rule to the states that violate it.
type faults map[string][]string

// inspect runs axe on the page.
func (p *page) inspect(state string) {
	p.t.Helper()
	if p.album.axe == nil {
		return
	}
	found, err := p.faults()
	require.NoError(p.t, err)
	for _, f := range found {
		key := fmt.Sprintf("%s: %s: %s", f.Impact, f.Rule, f.Help)
		p.album.faults[key] = append(p.album.faults[key], state+" "+strings.Join(f.Where, ", "))
	}
}

func (p *page) faults() ([]fault, error) {
	known, err := ask[bool](p, `() => "axe" in window`)
	if err != nil {
		return nil, err
	}
	if !known {
		if _, err := ask[bool](p, "() => {"+p.album.axe.source+"; return true; }"); err != nil {
			return nil, fmt.Errorf("load axe into the page: %w", err)
		}
	}
	return ask[[]fault](p, `async () => {
		const { violations } = await axe.run(document, { resultTypes: ["violations"] });
		return violations.map(({ id, impact, help, nodes }) => ({
			Rule: id,
			Impact: impact,
			Help: help,
			Where: nodes.map((node) => node.target.join(" ")),
		}));
	}`)
}

// serious lists the impacts that keep people from using the application.
var serious = []string{"serious", "critical"}

// report separates the serious violations from the minor ones.
func (f faults) report() (bad, minor []string) {
	for _, rule := range slices.Sorted(maps.Keys(f)) {
		line := fmt.Sprintf("%s\n\t%s", rule, strings.Join(f[rule], "\n\t"))
		impact, _, _ := strings.Cut(rule, ":")
		if slices.Contains(serious, impact) {
			bad = append(bad, line)
		} else {
			minor = append(minor, line)
		}
	}
	return bad, minor
}
