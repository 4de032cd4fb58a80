package pipeline

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"

	"todo-chatbot/mage/host"
)

// browsers are the names that Chromium and its kin are installed under, and
// chromiumPackage is Debian's package of it.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

const chromiumPackage = "chromium"

// E2E makes sure that there is a browser and that the application is deployed,
// and calls do with the environment variables by which the browser tests find
// both.
func (p *Pipeline) E2E(ctx context.Context, do func(env []string) error) error {
	browser, err := p.browser(ctx)
	if err != nil {
		return err
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
	return do([]string{
		"TODO_CHROMIUM=" + browser,
		"TODO_E2E_URL=" + url,
		"TODO_E2E_KUBECONFIG=" + c.Kubeconfig,
		"TODO_E2E_NAMESPACE=" + p.env.Namespace,
		"TODO_E2E_RELEASE=" + p.env.Release,
		"TODO_E2E_OUT=" + filepath.Join(p.env.Root, "build", "e2e"),
	})
}

// browser is the path of a Chromium, which is installed where that is allowed.
func (p *Pipeline) browser(ctx context.Context) (string, error) {
	for _, name := range browsers {
		path, err := exec.LookPath(name)
		if err == nil {
			return path, nil
		}
	}
	step := p.opts.Progress.Start("browser", chromiumPackage)
	apt := host.Apt{Lock: filepath.Join(p.env.Cache, "apt.lock")}
	if _, err := apt.Need(ctx, step, map[string]string{chromiumPackage: browsers[0]}); err != nil {
		return "", step.Fail(err)
	}
	path, err := exec.LookPath(browsers[0])
	if err != nil {
		return "", step.Fail(errors.Join(errors.New("the package was installed and the program is still not on the PATH"), err))
	}
	step.Done("installed", path)
	return path, nil
}
