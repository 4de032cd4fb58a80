package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"todo-chatbot/mage/host"
)

// Tool is a program that a test of the deployed application is done with.
type Tool struct {
	Programs []string // any of these will do
	Package  string   // Debian's package of the first
	Variable string   // of the environment, which gets its path
}

// Chromium is the browser of test:e2e, and Python what test:contract's generator
// of requests is installed with.
var (
	Chromium = Tool{Programs: []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}, Package: "chromium", Variable: "TODO_CHROMIUM"}
	Python   = Tool{Programs: []string{"python3"}, Package: "python3", Variable: "TODO_PYTHON"}
	Pip      = Tool{Programs: []string{"pip3"}, Package: "python3-pip", Variable: "TODO_PIP"}
)

// Deployed makes sure that the tools are there and the application is deployed,
// and calls do with the environment variables by which a test finds both.
func (p *Pipeline) Deployed(ctx context.Context, do func(env []string) error, tools ...Tool) error {
	var env []string
	for _, tool := range tools {
		path, err := p.tool(ctx, tool)
		if err != nil {
			return err
		}
		env = append(env, tool.Variable+"="+path)
	}
	c, closeCluster, err := p.running(ctx)
	if err != nil {
		return err
	}
	defer closeCluster()
	url, _, stop, err := p.address(ctx, c)
	if err != nil {
		return err
	}
	defer stop()
	return do(append(env,
		"TODO_TEST_URL="+url,
		"TODO_TEST_KUBECONFIG="+c.Kubeconfig,
		"TODO_TEST_NAMESPACE="+p.env.Namespace,
		"TODO_TEST_RELEASE="+p.env.Release,
		"TODO_TEST_OUT="+filepath.Join(p.env.Root, "build"),
		"TODO_TEST_CACHE="+p.env.Cache,
	))
}

// tool is the path of a program, which is installed where that is allowed.
func (p *Pipeline) tool(ctx context.Context, tool Tool) (string, error) {
	for _, name := range tool.Programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	step := p.opts.Progress.Start("tool", tool.Package)
	apt := host.Apt{Lock: filepath.Join(p.env.Cache, "apt.lock")}
	if _, err := apt.Need(ctx, step, map[string]string{tool.Package: tool.Programs[0]}); err != nil {
		return "", step.Fail(err)
	}
	path, err := exec.LookPath(tool.Programs[0])
	if err != nil {
		return "", step.Fail(errors.Join(fmt.Errorf("package %q was installed and %q is still not on the PATH", tool.Package, tool.Programs[0]), err))
	}
	step.Done("installed", path)
	return path, nil
}
