package smoke

import (
	"context"
	"encoding/json"
)

func (v *visit) backendLive(ctx context.Context) (string, error) {
	_, detail, err := v.answeredBy(ctx, "/api/livez", v.images.Backend)
	return detail, err
}

func (v *visit) backendReady(ctx context.Context) (string, error) {
	var ready struct {
		Status string
		Checks struct{ Database, Schema string }
	}
	got, detail, err := v.answeredBy(ctx, "/api/readyz", v.images.Backend)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(got.body, &ready); err != nil {
		return "", got.unexpected("JSON of the documented form (%v)", err)
	}
	if ready.Status != "ok" || ready.Checks.Database != "ok" || ready.Checks.Schema != "ok" {
		return "", got.unexpected("status, database and schema ok")
	}
	return "database and schema ok, " + detail, nil
}
