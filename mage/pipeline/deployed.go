package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Tool is a program that a test of the deployed application needs.
type Tool struct {
	Programs []string // names; the first on the PATH is used
	Package  string   // Debian's package of the first program
	Variable string   // environment variable that gets the program's path
}

// Chromium returns the browser of test:e2e.
func Chromium() Tool {
	return Tool{Programs: []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}, Package: "chromium", Variable: "TODO_CHROMIUM"}
}

// Python returns the interpreter of test:contract.
func Python() Tool {
	return Tool{Programs: []string{"python3"}, Package: "python3", Variable: "TODO_PYTHON"}
}

// Pip returns the installer of the packages of test:contract.
func Pip() Tool {
	return Tool{Programs: []string{"pip3"}, Package: "python3-pip", Variable: "TODO_PIP"}
}

// Deployed makes sure that the tools are installed and the application is reached, and
// calls do with environment variables that name the tools and the deployment.
func (p *Pipeline) Deployed(ctx context.Context, do func(env []string) error, tools ...Tool) error {
	var env []string
	for _, tool := range tools {
		path, err := p.findTool(ctx, tool)
		if err != nil {
			return err
		}
		env = append(env, tool.Variable+"="+path)
	}
	return p.withTarget(ctx, func(_ *services, t target) error {
		way, err := p.reach(ctx, t.network)
		if err != nil {
			return err
		}
		defer way.close()
		return do(append(env,
			"TODO_TEST_URL="+way.url,
			"TODO_TEST_KUBECONFIG="+t.cluster.Kubeconfig,
			"TODO_TEST_CONTEXT="+t.cluster.Context,
			"TODO_TEST_NAMESPACE="+p.env.Namespace,
			"TODO_TEST_RELEASE="+p.env.Release,
			"TODO_TEST_OUT="+filepath.Join(p.env.Root, "build"),
			"TODO_TEST_CACHE="+p.env.Cache,
		))
	})
}

// findTool returns the path of a program. It installs the program if that is allowed.
func (p *Pipeline) findTool(ctx context.Context, tool Tool) (string, error) {
	for _, name := range tool.Programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	step := p.opts.Progress.Start("tool", tool.Package)
	if _, err := p.apt().Need(ctx, step, map[string]string{tool.Package: tool.Programs[0]}); err != nil {
		return "", step.Fail(err)
	}
	path, err := exec.LookPath(tool.Programs[0])
	if err != nil {
		return "", step.Fail(errors.Join(fmt.Errorf("package %q was installed, but %q is not on the PATH", tool.Package, tool.Programs[0]), err))
	}
	step.Done("installed", path)
	return path, nil
}
