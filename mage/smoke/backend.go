package smoke

import (
	"context"
	"net/http"
)

func (v *visit) backendLive(ctx context.Context) (string, error) {
	_, err := v.want(ctx, ask{method: http.MethodGet, path: "/api/livez"}, http.StatusOK)
	return "", err
}

func (v *visit) backendReady(ctx context.Context) (string, error) {
	var ready struct {
		Status string
		Checks struct{ Database, Schema string }
	}
	got, err := v.decode(ctx, ask{method: http.MethodGet, path: "/api/readyz"}, http.StatusOK, &ready)
	if err != nil {
		return "", err
	}
	if ready.Status != "ok" || ready.Checks.Database != "ok" || ready.Checks.Schema != "ok" {
		return "", got.unexpected("status, database and schema ok")
	}
	return "database and schema ok", nil
}
