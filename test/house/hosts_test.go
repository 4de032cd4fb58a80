package house

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// packageRegistries are hosts that the package managers know. A file that names one does
// not work on machines with a mirror.
var packageRegistries = regexp.MustCompile(`(?i)\b(?:` + strings.Join([]string{
	`registry\.npmjs\.(?:org|com)`, `registry\.yarnpkg\.com`, `registry\.npmmirror\.com`,
	`(?:test\.)?pypi\.(?:python\.)?org`, `files\.pythonhosted\.org`,
	`(?:deb|security|archive|snapshot|httpredir|ftp(?:\.[a-z]{2})?)\.debian\.org`, `archive\.ubuntu\.com`,
	`dl-cdn\.alpinelinux\.org`, `(?:proxy|sum)\.golang\.org`, `goproxy\.(?:io|cn)`,
}, "|") + `)\b`)

// imageRegistries are public image registries; mage/airgap alone chooses among them.
var imageRegistries = regexp.MustCompile(`(?i)(?:^|[^a-z0-9.-])((?:registry-1\.|index\.)?docker\.io|registry\.hub\.docker\.com|registry\.k8s\.io|k8s\.gcr\.io|gcr\.io|ghcr\.io|quay\.io|public\.ecr\.aws|mcr\.microsoft\.com)\b`)

// withoutImageRegistries are the folders that must work with any registry.
var withoutImageRegistries = []string{
	"magefile.go", "helm/", "values/", "images/", "scripts/",
	"mage/targets/", "mage/pipeline/", "mage/config/", "mage/image/", "mage/chart/", "mage/release/", "mage/smoke/", "mage/progress/",
}

func noPackageRegistryIsNamed(t *testing.T, project fs.FS) []string {
	return named(t, project, packageRegistries, func(string) bool { return true },
		"names a package registry: leave it to the client's own settings")
}

func noImageRegistryIsNamed(t *testing.T, project fs.FS) []string {
	judged := func(name string) bool {
		if strings.Contains(name, "_test.") || strings.Contains(name, ".test.") || strings.Contains(name, "/testdata/") {
			return false
		}
		for _, prefix := range withoutImageRegistries {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
	return named(t, project, imageRegistries, judged, "names an image registry: only mage/airgap does that")
}

func named(t *testing.T, project fs.FS, hosts *regexp.Regexp, judged func(name string) bool, why string) []string {
	var violations []string
	for _, name := range files(t, project) {
		if !judged(name) {
			continue
		}
		content := read(t, project, name)
		if strings.ContainsRune(content[:min(len(content), 8000)], 0) {
			continue // not text
		}
		for i, line := range strings.Split(content, "\n") {
			if found := hosts.FindString(line); found != "" {
				violations = append(violations, fmt.Sprintf("%s:%d: %s", name, i+1, why))
			}
		}
	}
	return violations
}

func TestNoFileNamesAPackageRegistry(t *testing.T) { keeps(t, noPackageRegistryIsNamed) }

func TestNoFileNamesAnImageRegistry(t *testing.T) { keeps(t, noImageRegistryIsNamed) }

func TestNamedRegistriesAreRefused(t *testing.T) {
	// Put together here, so that this file names none itself.
	host := func(parts ...string) string { return strings.Join(parts, ".") }
	const packages = "names a package registry: leave it to the client's own settings"
	refuses(t, noPackageRegistryIsNamed, map[string]string{
		"a/package-lock.json": `{"x": {` + "\n" + `"resolved": "https://` + host("registry", "npmjs", "org") + `/x/-/x-1.0.0.tgz"`,
		"a/.npmrc":            "registry=https://" + host("registry", "yarnpkg", "com"),
		"a/requirements.lock": "--index-url https://" + host("pypi", "org") + "/simple",
		"b/requirements.lock": "https://" + host("files", "pythonhosted", "org") + "/packages/x",
		"a/Dockerfile":        "RUN sed s/" + host("deb", "debian", "org") + "/mirror/",
		"b/sources.list":      "deb http://" + host("ftp", "de", "debian", "org") + "/debian",
		"mage/airgap/a.go":    `const proxy = "https://` + host("PROXY", "golang", "org") + `"`,
		"docs/a.md":           "Go's checksums: " + host("sum", "golang", "org"),
		"good.go":             `import "golang.org/x/sync" // see https://www.debian.org/`,
		"binary":              "\x00" + host("pypi", "org"),
	}, "a/package-lock.json:2: "+packages, "a/.npmrc:1: "+packages, "a/requirements.lock:1: "+packages, "b/requirements.lock:1: "+packages,
		"a/Dockerfile:1: "+packages, "b/sources.list:1: "+packages, "mage/airgap/a.go:1: "+packages, "docs/a.md:1: "+packages)

	const images = "names an image registry: only mage/airgap does that"
	refuses(t, noImageRegistryIsNamed, map[string]string{
		"helm/todo-chatbot/values.yaml": "image: " + host("docker", "io") + "/library/postgres",
		"values/dev.yaml":               "registry: " + host("ghcr", "io") + "/me",
		"images/a/Dockerfile":           "FROM " + host("quay", "io") + "/x",
		"mage/image/a.go":               `const r = "` + host("index", "docker", "io") + `"`,
		"mage/image/a_test.go":          `const r = "` + host("docker", "io") + `"`,
		"mage/airgap/a.go":              `const r = "` + host("registry", "k8s", "io") + `"`,
		"docs/a.md":                     host("docker", "io"),
		"mage/chart/a.go":               `import "k8s.io/client-go" // the domain my-` + host("docker", "io"),
	}, "helm/todo-chatbot/values.yaml:1: "+images, "values/dev.yaml:1: "+images, "images/a/Dockerfile:1: "+images, "mage/image/a.go:1: "+images)
}
