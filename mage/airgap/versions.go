package airgap

// What the recipes make. Go modules are pinned with checksums in
// modules/*/go.mod, npm packages in modules/node/package-lock.json; Debian
// packages are those of the suite, which apt verifies by signature.
const (
	// Kubernetes is the version of k8s.io/kubernetes in modules/kubernetes.
	Kubernetes = "v1.36.3"
	// Traefik is the version of github.com/traefik/traefik/v3 in modules/traefik.
	Traefik = "v3.7.13"
	suite   = "bookworm"

	// epoch is the time stamp of every file in a made image, so that the same
	// inputs give the same bytes.
	epoch = 1767225600 // 2026-01-01T00:00:00Z
)

// Upstream references that a recipe can stand in for.
const (
	DebianRef   = "debian:bookworm-slim"
	PythonRef   = "python:3.11-slim"
	NodeJSRef   = "node:24-alpine"
	RegistryRef = "registry:2.8.3"
	BuildKitRef = "moby/buildkit:v0.34.2"
	KindNodeRef = "kindest/node:" + Kubernetes
	TraefikRef  = "traefik:" + Traefik
)

// Makeable is every reference that a recipe can stand in for.
func Makeable() []string {
	return []string{DebianRef, PythonRef, NodeJSRef, RegistryRef, BuildKitRef, KindNodeRef, TraefikRef}
}
