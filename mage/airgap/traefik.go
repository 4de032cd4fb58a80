package airgap

import (
	"context"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/progress"
)

// traefikImage makes traefik: upstream's program without ACME (see
// modules/traefik/lego). The image has no other file, so the program runs as
// nobody and needs no writable folder.
type traefikImage struct{ s *Supply }

func traefikProgram() program {
	return program{
		module: "traefik", packages: []string{"tool"},
		variables: map[string]string{"github.com/traefik/traefik/v3/pkg/version.Version": strings.TrimPrefix(Traefik, "v")},
	}
}

// traefikConfig has the user that images without a distribution use for nobody.
func traefikConfig() v1.Config {
	return v1.Config{
		Env:          []string{searchPath},
		Entrypoint:   []string{"/usr/local/bin/traefik"},
		User:         "65532:65532",
		ExposedPorts: map[string]struct{}{"80/tcp": {}},
	}
}

// Ref implements Recipe.
func (traefikImage) Ref() string { return TraefikRef }

// Inputs implements Recipe.
func (t traefikImage) Inputs() (string, error) {
	return t.s.key(ingredients{version: traefikVersion, config: traefikConfig(), programs: []program{traefikProgram()}, more: []string{string(pushed)}})
}

// Make implements Recipe.
func (t traefikImage) Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error) {
	bin, err := t.s.compile(ctx, traefikProgram(), step)
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
	return compose(traefikConfig(), layer)
}
