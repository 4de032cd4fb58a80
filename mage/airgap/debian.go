package airgap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// rootfs is a Debian file system, made by mmdebstrap from the package sources
// that the host itself uses.
type rootfs struct {
	name string
	// variant is mmdebstrap's: "minbase" is a working Debian with apt;
	// "extract" only unpacks packages, so that their set-up scripts and apt's
	// own packages are left out.
	variant  string
	packages []string
	hooks    []string // shell commands on the finished tree, whose root is "$1"
}

// hookFlag is the last stage at which mmdebstrap runs hooks for the variant.
func (r rootfs) hookFlag() string {
	if r.variant == "extract" {
		return "--extract-hook="
	}
	return "--customize-hook="
}

// mergedUsr links /bin, /lib and /sbin into /usr before anything is unpacked.
// Without it Debian's own set-up does that, with a package that needs all of Perl.
const mergedUsr = "/usr/share/mmdebstrap/hooks/merged-usr"

// leanHooks leave out what no container reads.
var leanHooks = []string{
	`rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/info/* "$1"/usr/share/locale/* "$1"/usr/share/lintian "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*`,
	`rm -f "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/machine-id; rm -rf "$1"/var/log/* "$1"/tmp/* "$1"/run/*`,
	`mkdir -p "$1"/tmp "$1"/run "$1"/var/log && chmod 1777 "$1"/tmp`,
}

// build returns the path of the file system's tar.
func (s *Supply) rootfs(ctx context.Context, r rootfs, step *progress.Step) (string, error) {
	sources, err := aptSources(s.opts.AptSources)
	if err != nil {
		return "", err
	}
	hooks := append(append([]string{}, leanHooks...), r.hooks...)
	dir, err := s.cache.entry(ctx, "rootfs/"+r.name, r.digest(), func(out string) error {
		release, err := s.debootstrap.acquire(ctx)
		if err != nil {
			return err
		}
		defer release()
		step.Update("install mmdebstrap")
		if _, err := s.opts.Apt.Need(ctx, step, map[string]string{"mmdebstrap": "mmdebstrap"}); err != nil {
			return err
		}
		step.Update("unpack %d Debian packages and what they need", len(r.packages))
		args := []string{"--quiet", "--mode=root", "--format=tar", "--variant=" + r.variant,
			"--include=" + strings.Join(r.packages, ",") + ",usr-is-merged", "--hook-dir=" + mergedUsr,
			`--aptopt=APT::Install-Recommends "false"`}
		for _, hook := range hooks {
			args = append(args, r.hookFlag()+hook)
		}
		command := exec.CommandContext(ctx, "mmdebstrap", append(args, suite, filepath.Join(out, "rootfs.tar"), sources)...)
		command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.Itoa(epoch))
		if err := host.Run(command, step); err != nil {
			return fmt.Errorf("make Debian file system %q: %w", r.name, err)
		}
		return nil
	})
	return filepath.Join(dir, "rootfs.tar"), err
}

// digest is of everything that decides what is in the file system, but for
// the state of the Debian mirror: packages that a mirror updates are taken when
// the cache is cleared.
func (r rootfs) digest() string {
	return inputs(suite, runtime.GOARCH, r.variant, strings.Join(r.packages, ","), r.hookFlag(), mergedUsr, strings.Join(r.hooks, "\n"), strings.Join(leanHooks, "\n"))
}

// aptSources finds the file in which the host names its Debian mirrors.
func aptSources(candidates []string) (string, error) {
	for _, path := range candidates {
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), suite) {
			return path, nil
		}
	}
	return "", fmt.Errorf("find Debian package sources: none of %q names the suite %q: on a host that is not Debian %s, images can only be pulled, so let this machine reach an image registry", candidates, suite, suite)
}
