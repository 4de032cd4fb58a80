package airgap

// Pins. Go modules are pinned with checksums in modules/*/go.sum, npm packages in
// modules/node/package-lock.json. Debian packages are those of the suite; apt
// verifies them by signature.
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

// Versions of the recipes' code. The key of an image depends on its version and
// its inputs, not on the text of Go sources. Raise the version of a recipe when
// its code makes another image from the same inputs.
const (
	debianVersion   = "debian/1"
	pythonVersion   = "python/1"
	nodeJSVersion   = "nodejs/1"
	registryVersion = "registry/1"
	buildKitVersion = "buildkit/1"
	kindNodeVersion = "kind-node/1"
	traefikVersion  = "traefik/1"
)

// Upstream references that have a recipe.
const (
	DebianRef   = "debian:bookworm-slim"
	PythonRef   = "python:3.11-slim"
	NodeJSRef   = "node:24-alpine"
	RegistryRef = "registry:2.8.3"
	BuildKitRef = "moby/buildkit:v0.34.2"
	KindNodeRef = "kindest/node:" + Kubernetes
	TraefikRef  = "traefik:" + Traefik
)

// Makeable lists every reference that has a recipe.
func Makeable() []string {
	return []string{DebianRef, PythonRef, NodeJSRef, RegistryRef, BuildKitRef, KindNodeRef, TraefikRef}
}
