package release

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// identityVariable is the environment variable by which the chart tells a
// container its image, so that what answers can say which version it is.
const identityVariable = "IMAGE_DIGEST"

// Identities tells, for the containers of the release's Deployments, the image
// that each says it is of: a digest, or a tag where the image has no digest. It
// reads the revision whose objects the cluster has, after a rollback the old
// one's. A container that its manifest does not tell its image is left out. A
// release without a record gives ErrNotFound.
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

// identity is the digest in the container's image rather than the variable's own
// word where there is one: that is what the kubelet runs.
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
