package proxy

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

const (
	// probeTimeout is shorter than the time-out of the probes in the chart.
	probeTimeout = 2 * time.Second
	// maxProbe limits the response that a probe returns, in bytes.
	maxProbe = 4 << 10
	// maxProbes limits the concurrent probes.
	maxProbes = 8
)

// Probes returns the handler of the port for probes. /livez checks the gateway,
// /frontend/livez the application, and /readyz both.
func (g *Gateway) Probes() http.Handler {
	client := &http.Client{
		Timeout:       probeTimeout,
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	places := make(chan struct{}, maxProbes)
	asking := func(w http.ResponseWriter, request *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			g.say(w, http.StatusServiceUnavailable, "too many concurrent probes")
			return
		}
		status, text, err := askReady(request.Context(), client, g.config)
		if err != nil {
			g.say(w, http.StatusServiceUnavailable, bounded(err.Error(), maxLogged))
			return
		}
		w.Header().Set(imageHeader, g.config.Image)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(text)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { g.say(w, http.StatusOK, "") })
	mux.HandleFunc("GET /frontend/livez", asking)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, request *http.Request) {
		if g.draining.Load() {
			g.say(w, http.StatusServiceUnavailable, "the gateway is shutting down")
			return
		}
		asking(w, request)
	})
	return mux
}

func askReady(ctx context.Context, client *http.Client, config Config) (int, []byte, error) {
	if config.Ready == nil {
		return http.StatusOK, []byte(`{"status":"ok"}`), nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Ready.String(), nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxProbe))
	return response.StatusCode, text, err
}

func (g *Gateway) say(w http.ResponseWriter, status int, detail string) {
	shape := struct {
		Status string `json:"status"`
		Image  string `json:"image"`
		Detail string `json:"detail,omitempty"`
	}{http.StatusText(status), g.config.Image, detail}
	if status == http.StatusOK {
		shape.Status = "ok"
	}
	w.Header().Set(imageHeader, g.config.Image)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(shape)
}
