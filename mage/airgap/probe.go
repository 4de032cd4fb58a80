package airgap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// probeTimeout limits the one probe of a registry in a run.
const probeTimeout = 3 * time.Second

const userAgent = "todo-chatbot-pipeline"

var errOffline = errors.New("image registries are switched off by the setting TODO_OFFLINE")

type probe struct {
	once sync.Once
	err  error
}

// reachable probes a registry once per Supply. A registry answers GET /v2/ with 200
// or 401; the refusal of a proxy and error pages do not count.
func (s *Supply) reachable(ctx context.Context, registry name.Registry) error {
	if s.opts.Offline {
		return errOffline
	}
	s.mu.Lock()
	p, ok := s.probes[registry.Name()]
	if !ok {
		p = &probe{}
		s.probes[registry.Name()] = p
	}
	s.mu.Unlock()
	p.once.Do(func() { p.err = s.ask(ctx, registry) })
	return p.err
}

// ask sends the probe. It does not follow redirects, as transport.Ping does: the
// login page of a network would count as a registry.
func (s *Supply) ask(ctx context.Context, registry name.Registry) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	url := registry.Scheme() + "://" + registry.RegistryStr() + "/v2/"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", userAgent)
	response, err := s.opts.Transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("registry %s does not answer: %w", registry.Name(), err)
	}
	response.Body.Close()
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusUnauthorized {
		return nil
	}
	return fmt.Errorf("registry %s answers %s", registry.Name(), response.Status)
}
