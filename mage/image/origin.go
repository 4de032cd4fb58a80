package image

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Origin says where the sources of an image come from. It becomes labels when the
// image is built. It is not part of the key: a registry or a Store that has an
// image of the key keeps it, with the labels of its build.
type Origin struct {
	Version  string // of the application
	Revision string // commit of the sources, with "-dirty" if they differ from it; may be empty
	Source   string // URL of the repository; may be empty
}

// OriginOf asks git about the sources of an image. The revision is the last commit
// that changed them, not the checked-out commit: then a build of unchanged sources
// at a later commit gives the same image. Without git, or outside a repository, the
// revision and the source are empty.
func OriginOf(ctx context.Context, src Source, version string) Origin {
	o := Origin{Version: version}
	paths := []string{src.Context}
	if src.Program {
		if root, err := moduleRoot(src.Context); err == nil {
			paths = append(paths, filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"))
		}
	} else {
		paths = append(paths, src.dockerfile())
	}
	changes, ok := git(ctx, src.Context, append([]string{"status", "--porcelain", "--"}, absolute(paths)...)...)
	if !ok {
		return o
	}
	o.Revision, _ = git(ctx, src.Context, append([]string{"log", "-1", "--format=%H", "--"}, absolute(paths)...)...)
	if o.Revision == "" { // the sources are not committed yet
		o.Revision, _ = git(ctx, src.Context, "rev-parse", "--verify", "--quiet", "HEAD")
	}
	if o.Revision != "" && changes != "" {
		o.Revision += "-dirty"
	}
	remote, _ := git(ctx, src.Context, "config", "--get", "remote.origin.url")
	o.Source = webAddress(remote)
	return o
}

// labels are the labels of the OCI image specification, without empty ones.
func (o Origin) labels() map[string]string {
	labels := map[string]string{}
	for name, value := range map[string]string{"version": o.Version, "revision": o.Revision, "source": o.Source} {
		if value != "" {
			labels["org.opencontainers.image."+name] = value
		}
	}
	return labels
}

// git runs git in a folder. It reports false if there is no git or no repository.
func git(ctx context.Context, dir string, args ...string) (string, bool) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0") // status would write the index
	out, err := command.Output()
	return strings.TrimSpace(string(out)), err == nil
}

// absolute makes paths independent of the folder in which git runs.
func absolute(paths []string) []string {
	all := make([]string, 0, len(paths))
	for _, path := range paths {
		if full, err := filepath.Abs(path); err == nil {
			all = append(all, full)
		}
	}
	return all
}

// hostAndPath is the short form of an address for SSH, such as git@host.example:a/b.
var hostAndPath = regexp.MustCompile(`^(?:[^@/:]+@)?([^/:]+\.[^/:]+):([^/].*)$`)

// webAddress is one form for the addresses of a repository, so that clones by HTTPS
// and by SSH give the same image. It drops logins, and is empty for a path of this
// machine.
func webAddress(remote string) string {
	if m := hostAndPath.FindStringSubmatch(remote); m != nil && !strings.Contains(remote, "://") {
		remote = "ssh://" + m[1] + "/" + m[2]
	}
	address, err := url.Parse(remote)
	if err != nil || address.Host == "" {
		return ""
	}
	host := address.Host
	switch address.Scheme {
	case "http", "https":
	case "ssh", "git":
		host = address.Hostname() // the port is of another protocol
	default:
		return ""
	}
	return "https://" + host + strings.TrimSuffix(strings.TrimRight(address.Path, "/"), ".git")
}
