package targets

import (
	"context"

	"github.com/magefile/mage/mg"
)

// Deploy takes the sources to a running, verified release.
type Deploy mg.Namespace

// Dev builds, pushes, installs and verifies the application for development.
func (Deploy) Dev(ctx context.Context, yes *bool) error {
	env := "dev"
	return deploy(ctx, flags{env: &env, yes: yes})
}

// Staging does the same with the values of staging, beside dev on the same cluster.
func (Deploy) Staging(ctx context.Context, yes *bool) error {
	env := "staging"
	return deploy(ctx, flags{env: &env, yes: yes})
}

// To does the same for any environment that has a file in values/.
func (Deploy) To(ctx context.Context, env string, yes *bool) error {
	return deploy(ctx, flags{env: &env, yes: yes})
}
