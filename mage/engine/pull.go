package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
)

// PullSource is a reference from which an image can be pulled, for example that of
// a mirror, with the login of its registry.
type PullSource struct {
	Ref   string
	Login registry.AuthConfig // its zero value means anonymous
}

// PullImage makes the engine pull an image that it does not have, from the first
// source that has it. Without sources it pulls ref. It returns the engine's name of
// the image: ref, or, from a mirror, ref without its digest.
func (e *Engine) PullImage(ctx context.Context, ref string, sources ...PullSource) (local string, err error) {
	_, err = e.Client.ImageInspect(ctx, ref)
	if err == nil {
		return ref, nil
	}
	if !errdefs.IsNotFound(err) {
		return "", fmt.Errorf("inspect image %q: %w", ref, err)
	}
	if len(sources) == 0 {
		sources = []PullSource{{Ref: ref}}
	}
	var problems []error
	for _, source := range sources {
		local, err := e.pull(ctx, ref, source)
		if err == nil {
			return local, nil
		}
		problems = append(problems, err)
		if ctx.Err() != nil {
			break
		}
	}
	return "", e.Explain(ctx, errors.Join(problems...))
}

// WithoutDigest returns the part of a reference before its digest. An engine has no
// digest of an upstream registry for an image from elsewhere.
func WithoutDigest(ref string) string {
	tagged, _, _ := strings.Cut(ref, "@")
	return tagged
}

func (e *Engine) pull(ctx context.Context, ref string, source PullSource) (local string, err error) {
	options := client.ImagePullOptions{}
	if source.Login != (registry.AuthConfig{}) {
		encoded, err := authconfig.Encode(source.Login)
		if err != nil {
			return "", fmt.Errorf("pull image %q: %w", source.Ref, err)
		}
		options.RegistryAuth = encoded
	}
	answer, err := e.Client.ImagePull(ctx, source.Ref, options)
	if err == nil {
		err = answer.Wait(ctx)
	}
	local = ref
	if err == nil && source.Ref != ref {
		local = WithoutDigest(ref)
		_, err = e.Client.ImageTag(ctx, client.ImageTagOptions{Source: source.Ref, Target: local})
	}
	if err != nil {
		return "", fmt.Errorf("pull image %q: %w", source.Ref, err)
	}
	return local, nil
}
