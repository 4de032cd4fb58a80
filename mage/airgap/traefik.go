package airgap

import (
	"context"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/progress"
)

// traefikImage stands in for traefik: upstream's program, without ACME (see
// modules/traefik/lego) and on nothing else, so that it runs as nobody and
// needs no writable file.
type traefikImage struct{ s *Supply }

var traefikProgram = program{
	module: "traefik", packages: []string{"tool"},
	variables: map[string]string{"github.com/traefik/traefik/v3/pkg/version.Version": strings.TrimPrefix(Traefik, "v")},
}

func (traefikImage) Ref() string { return TraefikRef }

func (t traefikImage) Inputs() (string, error) {
	return t.s.withModule("traefik", traefikProgram, string(pushed))
}

func (t traefikImage) Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error) {
	bin, err := t.s.compile(ctx, traefikProgram, step)
	if err != nil {
		return nil, err
	}
	target := filepath.Join(scratch, "traefik.tar")
	if err := writeTar(target, []file{{Path: "usr/local/bin/traefik", Mode: 0o755, Source: filepath.Join(bin, "traefik")}}); err != nil {
		return nil, err
	}
	layer, err := pushedLayer(target)
	if err != nil {
		return nil, err
	}
	return compose(traefikConfig, layer)
}

// Its user is the one that images without a distribution use for nobody.
var traefikConfig = v1.Config{
	Env:          []string{searchPath},
	Entrypoint:   []string{"/usr/local/bin/traefik"},
	User:         "65532:65532",
	ExposedPorts: map[string]struct{}{"80/tcp": {}},
}
