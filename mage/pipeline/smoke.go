package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

// Smoke checks the deployed application.
func (p *Pipeline) Smoke(ctx context.Context) (verdict smoke.Verdict, err error) {
	err = p.withTarget(ctx, func(_ *services, t target) error {
		if _, verdict, err = p.check(ctx, t); err != nil {
			return err
		}
		return p.judge(verdict)
	})
	return verdict, err
}

// check runs the smoke checks through the address that people use and writes their
// reports below build/. url is empty if only a port-forward of this run reaches the
// application.
func (p *Pipeline) check(ctx context.Context, t target) (url string, verdict smoke.Verdict, err error) {
	way, err := p.reach(ctx, t.network)
	if err != nil {
		return "", verdict, err
	}
	defer way.close()
	if way.published {
		url = way.url
	}
	step := p.opts.Progress.Start("smoke", way.url)
	images, err := p.releasedImages(ctx, t.releases)
	if err != nil {
		return url, verdict, step.Fail(err)
	}
	verdict = t.checker.Check(ctx, way.url, images)
	if err := p.writeReports(verdict); err != nil {
		return url, verdict, step.Fail(err)
	}
	if !verdict.OK() {
		step.Done("failed", strings.Join(verdict.Failed(), ", "))
		return url, verdict, nil
	}
	step.Done("passed", fmt.Sprintf("%d checks", len(verdict.Results)))
	return url, verdict, nil
}

// releasedImages returns the images of the release. The checks expect answers of these
// images: not of an older pod that is still ending, nor of an image set by hand.
func (p *Pipeline) releasedImages(ctx context.Context, releases ReleaseReader) (smoke.Images, error) {
	named, err := releases.Identities(ctx, p.env.Release)
	return smoke.Images{Frontend: named["frontend"], Backend: named["backend"], Gateway: named["gateway"]}, p.explainMissing(err)
}

// explainMissing adds the next step to an error that says that there is no release.
func (p *Pipeline) explainMissing(err error) error {
	if errors.Is(err, release.ErrNotFound) {
		return fmt.Errorf("%w: `mage deploy:to %s` installs it", err, p.env.Name)
	}
	return err
}

// way is an address of the frontend on this machine.
type way struct {
	url       string
	published bool // it lasts after this run
	close     func()
}

// reach returns the published address of the frontend, or else opens a port-forward
// until close is called.
func (p *Pipeline) reach(ctx context.Context, network Network) (way, error) {
	if url, ok := p.publishedURL(ctx, network); ok {
		return way{url: url, published: true, close: func() {}}, nil
	}
	address, stop, err := network.Forward(ctx, 0)
	if err != nil {
		return way{}, fmt.Errorf("reach the frontend of release %s: %w", p.releaseName(), err)
	}
	return way{url: "http://" + address, close: stop}, nil
}

// publishedURL returns the address of the environment's node port on this machine, if
// it has one.
func (p *Pipeline) publishedURL(ctx context.Context, network Network) (url string, ok bool) {
	if p.env.NodePort == 0 {
		return "", false
	}
	address, ok := network.Address(ctx, p.env.NodePort)
	return "http://" + address, ok
}

// judge returns an error with exit code 3 if a check failed.
func (p *Pipeline) judge(verdict smoke.Verdict) error {
	if verdict.OK() {
		return nil
	}
	lines := []string{}
	for _, result := range verdict.Results {
		if result.Err != nil {
			lines = append(lines, fmt.Sprintf("%s: %v", result.Name, result.Err))
		}
	}
	return &Error{Code: ExitRed, Err: fmt.Errorf("the application of environment %q fails its checks:\n  %s", p.env.Name, strings.Join(lines, "\n  "))}
}

func (p *Pipeline) writeReports(verdict smoke.Verdict) error {
	dir := filepath.Join(p.env.Root, "build")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the reports: %w", err)
	}
	for name, write := range map[string]func(*os.File) error{
		"smoke.xml":  func(f *os.File) error { return verdict.WriteJUnit(f) },
		"smoke.json": func(f *os.File) error { return verdict.WriteJSON(f) },
	} {
		if err := writeFile(filepath.Join(dir, name), write); err != nil {
			return fmt.Errorf("write report %q: %w", name, err)
		}
	}
	return nil
}

func writeFile(path string, write func(*os.File) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
