package release

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// identityVariable is the environment variable in which the chart gives a container
// its image, so that the application can report its version.
const identityVariable = "IMAGE_DIGEST"

// Identities are the images that the containers of the release's Deployments report,
// by container: a digest, or a tag if the image has no digest. They come from the
// revision whose objects are in the cluster, also after a rollback. Containers
// without IMAGE_DIGEST are left out. A release without records gives ErrNotFound.
func (m *Manager) Identities(ctx context.Context, name string) (map[string]string, error) {
	records, err := m.history(ctx, name)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	now := inCluster(records)
	if now == nil {
		return out, nil
	}
	parsed, err := parseManifest(now.Manifest)
	if err != nil {
		return nil, err
	}
	for _, d := range parsed.deployments {
		for _, c := range d.Spec.Template.Spec.Containers {
			if told := identity(c); told != "" {
				out[c.Name] = told
			}
		}
	}
	return out, nil
}

// identity prefers the digest in the container's image, which the kubelet runs, to
// the value of the variable.
func identity(c corev1.Container) string {
	for _, variable := range c.Env {
		if variable.Name != identityVariable {
			continue
		}
		if _, digest, pinned := strings.Cut(c.Image, "@"); pinned {
			return digest
		}
		return variable.Value
	}
	return ""
}
