// Package contract tests the deployed API against its OpenAPI document with
// Schemathesis: valid and invalid requests, and no answer with a 5xx, an undocumented
// status or another body. Schemathesis is installed from the Python package index
// into the cache, with the hashes of requirements.lock.
//
// The environment variables of package e2e name the application.
package contract

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"todo-chatbot/test/person"
)

// bound is the time for all requests; the token is valid that long.
const bound = 12 * time.Minute

func TestDeployedAPIMatchesOpenAPIDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("asks a deployed application: not under -short")
	}
	base := os.Getenv("TODO_TEST_URL")
	if base == "" {
		t.Skip("TODO_TEST_URL is not set: no application to ask; mage deploy:dev makes one, and mage test:contract finds it")
	}
	parsed, err := url.Parse(base)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", parsed.Hostname(), "the application must be on 127.0.0.1")
	program := schemathesis(t)
	someone := person.New(base, "contract", &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}})
	require.NoError(t, someone.SignUp(t.Context()))

	out := filepath.Join(or(os.Getenv("TODO_TEST_OUT"), filepath.Join("..", "..", "build")), "contract.xml")
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	run := exec.CommandContext(ctx, program, "--config-file", "schemathesis.toml", "--no-color",
		"run", filepath.Join("..", "..", "images", "backend", "openapi.json"), "--url", base,
		"--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--workers", "1", "--report-junit-path", out)
	run.Env = append(os.Environ(), "TODO_USER_ID="+someone.ID, "TODO_TOKEN="+someone.Token, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	run.Stdout, run.Stderr = t.Output(), t.Output()
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	run.WaitDelay = 10 * time.Second
	require.NoError(t, run.Run(), "Schemathesis found answers that images/backend/openapi.json does not describe; they are above and in %s", out)
}

// schemathesis installs the locked program once, into a virtual environment with the
// lock file's digest in its name, and returns the program's path.
func schemathesis(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("requirements.lock")
	require.NoError(t, err)
	cache := os.Getenv("TODO_TEST_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		require.NoError(t, err)
		cache = filepath.Join(user, "todo-chatbot")
	}
	python, pip := or(os.Getenv("TODO_PYTHON"), "python3"), or(os.Getenv("TODO_PIP"), "pip3")
	home := filepath.Join(cache, "python", fmt.Sprintf("contract-%x", sha256.Sum256(lock))[:len("contract-")+16])
	bin, suffix := filepath.Join(home, "bin"), ""
	if runtime.GOOS == "windows" {
		bin, suffix = filepath.Join(home, "Scripts"), ".exe"
	}
	whole := filepath.Join(home, "whole")
	if _, err := os.Stat(whole); err == nil {
		return filepath.Join(bin, "schemathesis"+suffix)
	}
	require.NoError(t, os.RemoveAll(home), "remove the rest of an interrupted installation")
	do(t, python, "-m", "venv", "--without-pip", home)
	do(t, pip, "--python", filepath.Join(bin, "python"+suffix), "--disable-pip-version-check", "install", "--quiet",
		"--require-hashes", "--no-deps", "--only-binary=:all:", "-r", "requirements.lock")
	require.NoError(t, os.WriteFile(whole, nil, 0o600))
	return filepath.Join(bin, "schemathesis"+suffix)
}

func do(t *testing.T, program string, args ...string) {
	t.Helper()
	t.Logf("%s %s", filepath.Base(program), strings.Join(args, " "))
	command := exec.CommandContext(t.Context(), program, args...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "install Schemathesis: %s", output)
}

func or(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}
