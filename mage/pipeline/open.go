package pipeline

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"todo-chatbot/mage/cluster"
)

// liveTimeout bounds the one question that Open asks the application.
const liveTimeout = 5 * time.Second

// OpenOptions say what Open does beyond telling the address.
type OpenOptions struct {
	Browser bool // also show the address in the user's browser
}

// Open writes the application's address on this machine to out, once the
// frontend has answered there. Where the cluster does not publish the port, it
// holds a port-forward from the environment's port, or a free one, until ctx ends,
// which is not an error.
func (p *Pipeline) Open(ctx context.Context, out io.Writer, opts OpenOptions) error {
	c, closeCluster, err := p.running(ctx)
	if err != nil {
		return err
	}
	defer closeCluster()
	if reached, ok := p.published(ctx, c); ok {
		return p.show(ctx, out, reached, opts)
	}
	service := p.env.Release + "-frontend"
	address, stop, err := cluster.Forward(ctx, c.Clients, cluster.ServicePort{Namespace: p.env.Namespace, Service: service, Port: frontendPort}, p.env.Port)
	if err != nil {
		return fmt.Errorf("forward a port of 127.0.0.1 to service %q of namespace %q: %w: `mage deploy:to %s` brings the service; TODO_PORT chooses another port",
			service, p.env.Namespace, err, p.env.Name)
	}
	defer stop()
	if err := p.show(ctx, out, "http://"+address, opts); err != nil {
		return err
	}
	p.opts.Progress.Note("the cluster does not publish this port, so a port-forward holds it until Ctrl-C")
	<-ctx.Done()
	return nil
}

// show writes an address at which the application answers.
func (p *Pipeline) show(ctx context.Context, out io.Writer, url string, opts OpenOptions) error {
	if err := live(ctx, url); err != nil {
		return fmt.Errorf("the application of environment %q does not answer: %w: `mage release:status -env=%s` says what runs, `mage deploy:to %s` repairs it",
			p.env.Name, err, p.env.Name, p.env.Name)
	}
	if _, err := fmt.Fprintf(out, "url %s\n", url); err != nil {
		return err
	}
	if !opts.Browser {
		return nil
	}
	args := browserCommand(runtime.GOOS, url)
	browser := exec.Command(args[0], args[1:]...) // it outlives the run, and how it ends says nothing
	if err := browser.Start(); err != nil {
		p.opts.Progress.Note("no browser opened: %v", err)
		return nil
	}
	return browser.Process.Release()
}

// live asks the frontend whether it runs; a redirect is not an answer.
func live(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/livez", nil)
	if err != nil {
		return err
	}
	// The address is this machine's own, so no proxy stands before it.
	transport := &http.Transport{DisableKeepAlives: true}
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

// browserCommand shows an address in the default browser of a system.
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
