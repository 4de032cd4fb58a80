package outside

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/ini.v1"
)

// Where a Dockerfile mounts the secrets that are files.
const (
	mountedBundle = "/run/secrets/ca-bundle"
	mountedNpmrc  = "/run/secrets/npmrc"
)

// BuildSecrets returns this machine's settings for npm and pip, and its
// certificates, as the secrets that the Dockerfiles' install steps mount. They
// reach the step, and neither an image nor its input key. home is the user's
// home folder, or empty.
func (a *Access) BuildSecrets(getenv func(string) string, home string) (map[string][]byte, error) {
	secrets := map[string][]byte{}
	if a.Bundle != nil {
		secrets["ca-bundle"] = a.Bundle
		secrets["PIP_CERT"] = []byte(mountedBundle)
		secrets["NODE_EXTRA_CA_CERTS"] = []byte(mountedBundle)
	}
	pip, errPip := pipSettings(getenv, home)
	maps.Copy(secrets, pip)
	npm, errNpm := npmSettings(getenv, home)
	maps.Copy(secrets, npm)
	return secrets, errors.Join(errPip, errNpm)
}

// pipNames are pip's settings that say where packages come from, as in its
// configuration files; the variable of each is PIP_ and the name in upper case.
var pipNames = []string{"index-url", "extra-index-url", "trusted-host"}

// pipSettings reads pip's variables, else its configuration files, else the
// variables of uv. Settings of the local file system are left out: a build step
// does not see it.
func pipSettings(getenv func(string) string, home string) (map[string][]byte, error) {
	configured, err := pipFiles(getenv, home)
	if err != nil {
		return nil, err
	}
	uv := map[string]string{
		"index-url":       first(getenv("UV_DEFAULT_INDEX"), getenv("UV_INDEX_URL")),
		"extra-index-url": first(getenv("UV_INDEX"), getenv("UV_EXTRA_INDEX_URL")),
	}
	secrets := map[string][]byte{}
	for _, setting := range pipNames {
		variable := "PIP_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
		if value := first(getenv(variable), configured[setting], uv[setting]); value != "" {
			secrets[variable] = []byte(value)
		}
	}
	return secrets, nil
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// pipFiles reads pip's configuration files; a later file overrides an earlier
// one, as pip documents it. In a file, [install] overrides [global].
func pipFiles(getenv func(string) string, home string) (map[string]string, error) {
	paths := []string{"/etc/xdg/pip/pip.conf", "/etc/pip.conf"}
	if home != "" {
		paths = append(paths,
			filepath.Join(home, ".pip", "pip.conf"), filepath.Join(home, ".config", "pip", "pip.conf"),
			filepath.Join(home, "Library", "Application Support", "pip", "pip.conf"), filepath.Join(home, "AppData", "Roaming", "pip", "pip.ini"))
	}
	if named := getenv("PIP_CONFIG_FILE"); named != "" {
		paths = append(paths, named)
	}
	values := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read pip's settings: %w", err)
		}
		file, err := ini.LoadSources(ini.LoadOptions{AllowPythonMultilineValues: true, IgnoreInlineComment: true, SkipUnrecognizableLines: true}, content)
		if err != nil {
			return nil, fmt.Errorf("read pip's settings in %q: %w", path, err)
		}
		for _, section := range []string{"global", "install"} {
			for _, setting := range pipNames {
				value := first(file.Section(section).Key(setting).Value(), file.Section(section).Key(strings.ReplaceAll(setting, "-", "_")).Value())
				if words := strings.Fields(value); len(words) > 0 {
					values[setting] = strings.Join(words, " ")
				}
			}
		}
	}
	return values, nil
}

// npmSettings reads npm's variable for the registry, in either case, and the
// user's .npmrc.
func npmSettings(getenv func(string) string, home string) (map[string][]byte, error) {
	secrets := map[string][]byte{}
	if value := first(getenv("NPM_CONFIG_REGISTRY"), getenv("npm_config_registry")); value != "" {
		secrets["NPM_CONFIG_REGISTRY"] = []byte(value)
	}
	path := first(getenv("NPM_CONFIG_USERCONFIG"), getenv("npm_config_userconfig"))
	if path == "" && home != "" {
		path = filepath.Join(home, ".npmrc")
	}
	if path == "" {
		return secrets, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return secrets, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read npm's settings: %w", err)
	}
	if settings := registrySettings(content, getenv); len(settings) > 0 {
		secrets["npmrc"] = settings
		secrets["NPM_CONFIG_USERCONFIG"] = []byte(mountedNpmrc)
	}
	return secrets, nil
}

// npmVariable is how an .npmrc names an environment variable.
var npmVariable = regexp.MustCompile(`\$\{([^}]+)\}`)

// registrySettings returns the lines of an .npmrc that say where packages come
// from and with which login, with the values of variables. The others are for
// this machine: folders, and files that a build step does not see.
func registrySettings(npmrc []byte, getenv func(string) string) []byte {
	var kept []string
	lines := bufio.NewScanner(bytes.NewReader(npmrc))
	for lines.Scan() {
		key, value, found := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		key = strings.TrimSpace(key)
		if !found || strings.HasPrefix(key, "#") || strings.HasPrefix(key, ";") {
			continue
		}
		local := strings.HasSuffix(key, "file") // certfile and keyfile of a registry
		if (key == "registry" || strings.HasSuffix(key, ":registry") || strings.HasPrefix(key, "//") || slices.Contains([]string{"always-auth", "strict-ssl"}, key)) && !local {
			value = npmVariable.ReplaceAllStringFunc(strings.TrimSpace(value), func(text string) string {
				return first(getenv(npmVariable.FindStringSubmatch(text)[1]), text)
			})
			kept = append(kept, key+"="+value)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return []byte(strings.Join(kept, "\n") + "\n")
}
