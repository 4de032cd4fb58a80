package engine

import (
	"context"
	"errors"
	"fmt"

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
// source that has it, and tags the image as ref. Without sources it pulls ref.
func (e *Engine) PullImage(ctx context.Context, ref string, sources ...PullSource) error {
	_, err := e.Client.ImageInspect(ctx, ref)
	if err == nil {
		return nil
	}
	if !errdefs.IsNotFound(err) {
		return fmt.Errorf("inspect image %q: %w", ref, err)
	}
	if len(sources) == 0 {
		sources = []PullSource{{Ref: ref}}
	}
	var problems []error
	for _, source := range sources {
		err := e.pull(ctx, ref, source)
		if err == nil {
			return nil
		}
		problems = append(problems, err)
		if ctx.Err() != nil {
			break
		}
	}
	return e.Explain(ctx, errors.Join(problems...))
}

func (e *Engine) pull(ctx context.Context, ref string, source PullSource) error {
	options := client.ImagePullOptions{}
	if source.Login != (registry.AuthConfig{}) {
		encoded, err := authconfig.Encode(source.Login)
		if err != nil {
			return fmt.Errorf("pull image %q: %w", source.Ref, err)
		}
		options.RegistryAuth = encoded
	}
	answer, err := e.Client.ImagePull(ctx, source.Ref, options)
	if err == nil {
		err = answer.Wait(ctx)
	}
	if err == nil && source.Ref != ref {
		_, err = e.Client.ImageTag(ctx, client.ImageTagOptions{Source: source.Ref, Target: ref})
	}
	if err != nil {
		return fmt.Errorf("pull image %q: %w", source.Ref, err)
	}
	return nil
}
