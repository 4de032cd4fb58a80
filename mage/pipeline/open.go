package pipeline

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"
	"time"
)

// liveTimeout bounds the request that Open sends to the application.
const liveTimeout = 5 * time.Second

// OpenOptions change Open.
type OpenOptions struct {
	Browser bool // also show the address in the user's browser
}

// Open writes the application's address to out after the frontend has answered
// there. If the cluster does not publish the port, Open keeps a port-forward open
// from the environment's port, or from a free one, until ctx ends. The end of ctx is
// not an error.
func (p *Pipeline) Open(ctx context.Context, out io.Writer, opts OpenOptions) error {
	return p.withTarget(ctx, func(_ *services, t target) error {
		if url, ok := p.publishedURL(ctx, t.network); ok {
			return p.show(ctx, out, url, opts)
		}
		address, stop, err := t.network.Forward(ctx, p.env.Port)
		if err != nil {
			return fmt.Errorf("open a port-forward to the frontend of release %s: %w: `mage deploy:to %s` installs the frontend; TODO_PORT sets another port",
				p.releaseName(), err, p.env.Name)
		}
		defer stop()
		if err := p.show(ctx, out, "http://"+address, opts); err != nil {
			return err
		}
		p.opts.Progress.Note("the cluster publishes no port: this port-forward stays open until Ctrl-C")
		<-ctx.Done()
		return nil
	})
}

// show writes an address if the application answers there.
func (p *Pipeline) show(ctx context.Context, out io.Writer, url string, opts OpenOptions) error {
	if err := live(ctx, url); err != nil {
		return fmt.Errorf("the application of environment %q does not answer: %w: `mage release:status -env=%s` shows its state, `mage deploy:to %s` repairs it",
			p.env.Name, err, p.env.Name, p.env.Name)
	}
	if _, err := fmt.Fprintf(out, "url %s\n", url); err != nil {
		return err
	}
	if !opts.Browser {
		return nil
	}
	args := browserCommand(runtime.GOOS, url)
	browser := exec.Command(args[0], args[1:]...) // without ctx: it outlives this run
	if err := browser.Start(); err != nil {
		p.opts.Progress.Note("no browser opened: %v", err)
		return nil
	}
	return browser.Process.Release()
}

// live asks the frontend's liveness endpoint. A redirect is an error.
func live(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/livez", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true} // without a proxy: the address is local
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("GET %s/livez: %w", url, err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s/livez answers %s", url, response.Status)
	}
	return nil
}

// browserCommand returns the command that opens a URL in the default browser.
func browserCommand(goos, url string) []string {
	switch goos {
	case "darwin":
		return []string{"open", url}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", url}
	default:
		return []string{"xdg-open", url}
	}
}
