package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

const evidenceTime = 20 * time.Second

// frontendPort is the name of the port of the frontend's Service. Its number is a
// value of the chart.
var frontendPort = intstr.FromString("http")

// Smoke asks the deployed application whether it works.
func (p *Pipeline) Smoke(ctx context.Context) (smoke.Verdict, error) {
	c, closeCluster, err := p.running(ctx)
	if err != nil {
		return smoke.Verdict{}, err
	}
	defer closeCluster()
	_, verdict, err := p.verify(ctx, c)
	if err != nil {
		return verdict, err
	}
	return verdict, p.judge(verdict)
}

// verify runs the smoke checks through the address that people use and writes
// their reports under build/.
// The url is empty where only a port-forward of this run's led to it.
func (p *Pipeline) verify(ctx context.Context, c *cluster.Cluster) (url string, verdict smoke.Verdict, err error) {
	reached, lasts, stop, err := p.address(ctx, c)
	if err != nil {
		return "", verdict, err
	}
	defer stop()
	if lasts {
		url = reached
	}
	step := p.opts.Progress.Start("smoke", reached)
	images, err := p.released(ctx, c)
	if err != nil {
		return url, verdict, step.Fail(err)
	}
	verdict = smoke.Run(ctx, smoke.Checks(reached, smoke.Options{Images: images}), nil)
	if err := p.report(verdict); err != nil {
		return url, verdict, step.Fail(err)
	}
	if !verdict.OK() {
		step.Done("failed", strings.Join(verdict.Failed(), ", "))
		return url, verdict, nil
	}
	step.Done("passed", fmt.Sprintf("%d checks", len(verdict.Results)))
	return url, verdict, nil
}

// released are the images that the release says it has, which must answer: not
// those of a version that is still ending, or that somebody put in by hand.
func (p *Pipeline) released(ctx context.Context, c *cluster.Cluster) (smoke.Images, error) {
	manager, err := p.releases(c)
	if err != nil {
		return smoke.Images{}, err
	}
	named, err := manager.Identities(ctx, p.env.Release)
	if errors.Is(err, release.ErrNotFound) {
		err = fmt.Errorf("%w: `mage deploy:to %s` makes it", err, p.env.Name)
	}
	return smoke.Images{Frontend: named["frontend"], Backend: named["backend"], Gateway: named["gateway"]}, err
}

// address is where the frontend answers on this machine, and whether it does so
// after this run. Where no port leads into the cluster, a port-forward stands in
// for the time of the run.
func (p *Pipeline) address(ctx context.Context, c *cluster.Cluster) (url string, lasts bool, stop func(), err error) {
	if reached, ok := p.published(ctx, c); ok {
		return reached, true, func() {}, nil
	}
	address, stop, err := cluster.Forward(ctx, c.Clients, cluster.ServicePort{Namespace: p.env.Namespace, Service: p.env.Release + "-frontend", Port: frontendPort}, 0)
	if err != nil {
		return "", false, nil, fmt.Errorf("reach the frontend of %s/%s: %w", p.env.Namespace, p.env.Release, err)
	}
	return "http://" + address, false, stop, nil
}

// published is the address at which a node port of the environment is reached from
// this machine, as long as the cluster runs.
func (p *Pipeline) published(ctx context.Context, c *cluster.Cluster) (url string, ok bool) {
	if p.env.NodePort == 0 {
		return "", false
	}
	reached, ok := c.Address(ctx, p.env.NodePort)
	return "http://" + reached, ok
}

// judge turns a red verdict into an error with its own exit code.
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
	return &Error{Code: ExitRed, Err: fmt.Errorf("the application of environment %q does not pass its checks:\n  %s", p.env.Name, strings.Join(lines, "\n  "))}
}

func (p *Pipeline) report(verdict smoke.Verdict) error {
	dir := filepath.Join(p.env.Root, "build")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make report folder: %w", err)
	}
	for name, write := range map[string]func(*os.File) error{
		"smoke.xml":  func(f *os.File) error { return verdict.WriteJUnit(f) },
		"smoke.json": func(f *os.File) error { return verdict.WriteJSON(f) },
	} {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if err := write(file); err != nil {
			file.Close()
			return fmt.Errorf("write report %q: %w", file.Name(), err)
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("write report %q: %w", file.Name(), err)
		}
	}
	return nil
}
