package airgap

import (
	"context"
	_ "embed"
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
// of the host.
type rootfs struct {
	name string
	// variant is mmdebstrap's: "minbase" is a working Debian with apt; "extract"
	// only unpacks packages, without their set-up scripts and apt's own packages.
	variant  string
	packages []string
	hook     string // shell script that runs after leanHook; "$1" is the root
}

// leanHook runs on every file system.
//
//go:embed recipes/rootfs/lean.sh
var leanHook string

// mergedUsr links /bin, /lib and /sbin into /usr before packages are unpacked.
// Debian's own set-up of these links needs a package that depends on all of Perl.
const mergedUsr = "/usr/share/mmdebstrap/hooks/merged-usr"

// hookFlag is the last stage at which mmdebstrap runs hooks for the variant.
func (r rootfs) hookFlag() string {
	if r.variant == "extract" {
		return "--extract-hook="
	}
	return "--customize-hook="
}

// arguments are mmdebstrap's, without target and package sources.
func (r rootfs) arguments() []string {
	args := []string{
		"--quiet", "--mode=root", "--format=tar", "--variant=" + r.variant,
		"--include=" + strings.Join(r.packages, ",") + ",usr-is-merged", "--hook-dir=" + mergedUsr,
		`--aptopt=APT::Install-Recommends "false"`,
	}
	for _, hook := range []string{leanHook, r.hook} {
		if hook = strings.TrimSpace(hook); hook != "" { // mmdebstrap warns of a line break at the end
			args = append(args, r.hookFlag()+hook)
		}
	}
	return append(args, suite)
}

// digest is the digest of all inputs except the state of the Debian mirror: newer
// packages are used only after the cache is cleared.
func (r rootfs) digest() string {
	return inputs(append(r.arguments(), runtime.GOARCH, strconv.Itoa(epoch))...)
}

// rootfs returns the path of the file system's tar, and makes it if the cache
// does not have it.
func (s *Supply) rootfs(ctx context.Context, r rootfs, step *progress.Step) (string, error) {
	sources, err := aptSources(s.opts.AptSources)
	if err != nil {
		return "", err
	}
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
		step.Update("unpack %d Debian packages and their dependencies", len(r.packages))
		command := exec.CommandContext(ctx, "mmdebstrap", append(r.arguments(), filepath.Join(out, "rootfs.tar"), sources)...)
		command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.Itoa(epoch))
		if err := host.Run(command, step); err != nil {
			return fmt.Errorf("make Debian file system %q: %w", r.name, err)
		}
		return nil
	})
	return filepath.Join(dir, "rootfs.tar"), err
}

// aptSources finds the file in which the host names its Debian mirrors.
func aptSources(candidates []string) (string, error) {
	for _, path := range candidates {
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), suite) {
			return path, nil
		}
	}
	return "", fmt.Errorf("find Debian package sources: no file of %q names the suite %q. Only Debian %s can make images; on other hosts, let this machine reach an image registry", candidates, suite, suite)
}
