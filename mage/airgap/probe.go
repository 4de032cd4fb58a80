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

// ProbeTimeout bounds the one question that a run asks each registry.
const ProbeTimeout = 3 * time.Second

const userAgent = "todo-chatbot-pipeline"

var errOffline = errors.New("image registries are switched off by the setting TODO_OFFLINE")

type probe struct {
	once sync.Once
	err  error
}

// reachable asks a registry once per Supply whether it is there. Whoever
// answers at /v2/ as a registry may, also with "unauthorized", is there; a
// proxy's refusal or an error page is not.
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

func (s *Supply) ask(ctx context.Context, registry name.Registry) error {
	ctx, cancel := context.WithTimeout(ctx, ProbeTimeout)
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
