package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	dockerregistry "github.com/moby/moby/api/types/registry"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/engine"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/outside"
)

// This file hands the answers of package outside to the engine and the builder.

// access reads how this machine reaches image registries.
func (w *wire) access(found *engine.Engine) (*outside.Access, error) {
	o := outside.Options{Getenv: w.p.opts.Getenv, Mirrors: w.p.env.Mirrors, Insecure: w.p.env.InsecureRegistries}
	if found != nil {
		o.EngineMirrors = found.Mirrors
	}
	access, err := outside.Read(o)
	return access, usageError(err)
}

// loadImage gives the engine an image: a locally made image, or one that the engine
// pulls itself. If the engine cannot pull it, this process does. It returns the name
// that the engine has for the image.
func (w *wire) loadImage(ctx context.Context, found *engine.Engine, supply *airgap.Supply, access *outside.Access, ref string) (local string, err error) {
	resolved, err := supply.Resolve(ctx, ref)
	if err != nil {
		return "", err
	}
	if !resolved.Made() {
		sources, err := w.pullSources(access, ref)
		if err != nil {
			return "", err
		}
		local, err = found.PullImage(ctx, ref, sources...)
		if err == nil || resolved.Image == nil || ctx.Err() != nil {
			return local, err
		}
		w.p.opts.Progress.Note("the engine cannot pull image %s, so the pipeline pulls it and loads it into the engine: %v", ref, err)
	}
	local = engine.WithoutDigest(ref)
	_, err = found.LoadImage(ctx, local, resolved.Image)
	return local, err
}

// pullSources are the references under which the engine may pull an image, with
// docker's logins.
func (w *wire) pullSources(access *outside.Access, ref string) ([]engine.PullSource, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("image reference %q: %w", ref, err)
	}
	candidates, err := access.Candidates(parsed)
	if err != nil {
		return nil, err
	}
	var sources []engine.PullSource
	for i, candidate := range candidates {
		login, err := w.login(candidate.Context())
		if err != nil {
			return nil, err
		}
		source := engine.PullSource{Ref: candidate.Name(), Login: dockerregistry.AuthConfig{
			Username: login.Username, Password: login.Password, Auth: login.Auth, IdentityToken: login.IdentityToken, RegistryToken: login.RegistryToken,
		}}
		if i == len(candidates)-1 {
			source.Ref = ref // with its tag, if it has both tag and digest
		}
		sources = append(sources, source)
	}
	return sources, nil
}

func (w *wire) login(of authn.Resource) (*authn.AuthConfig, error) {
	authenticator, err := w.keychain.Resolve(of)
	if err != nil {
		return nil, err
	}
	login, err := authenticator.Authorization()
	if err != nil {
		return nil, fmt.Errorf("login for registry %s: %w", of.RegistryStr(), err)
	}
	return login, nil
}

// builderSetup is how the builder's container reaches image registries.
func builderSetup(access *outside.Access) (engine.BuilderSetup, error) {
	files, err := access.Builder()
	return engine.BuilderSetup{Env: access.Proxy.Environment(), Files: files}, err
}

// builderOptions are the secrets, proxies and logins of builds.
func (w *wire) builderOptions(access *outside.Access) (image.BuilderOptions, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // a machine without home folders has no settings there
	}
	secrets, err := access.BuildSecrets(w.p.opts.Getenv, home)
	return image.BuilderOptions{
		Secrets: secrets, ProxyArguments: access.Proxy.BuildArguments(), Session: []session.Attachable{w.buildLogins()},
	}, usageError(err)
}

// buildLogins gives docker's logins to builds that pull a base.
func (w *wire) buildLogins() session.Attachable {
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: func(_ context.Context, host string, _ []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
			if host == authprovider.DockerHubRegistryHost {
				host = name.DefaultRegistry
			}
			of, err := name.NewRegistry(host)
			if err != nil {
				return types.AuthConfig{}, errors.Join(fmt.Errorf("login for registry %q", host), err)
			}
			login, err := w.login(of)
			if err != nil {
				return types.AuthConfig{}, err
			}
			return types.AuthConfig{
				Username: login.Username, Password: login.Password, Auth: login.Auth,
				IdentityToken: login.IdentityToken, RegistryToken: login.RegistryToken, ServerAddress: host,
			}, nil
		},
	})
}
