package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// setupLabel is the label with the digest of the builder's BuilderSetup. BuildKit
// replaces a builder whose setup differs.
const setupLabel = "todo-chatbot-pipeline/setup"

// BuilderSetup holds the settings with which the builder reaches image registries.
// Its zero value means the defaults of the builder's image.
type BuilderSetup struct {
	Env   []string          // NAME=value
	Files map[string][]byte // by their absolute paths in the container
}

// digest identifies the setup; that of the zero value is "".
func (s BuilderSetup) digest() string {
	if len(s.Env) == 0 && len(s.Files) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, variable := range slices.Sorted(slices.Values(s.Env)) {
		fmt.Fprintf(sum, "%q\n", variable)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		fmt.Fprintf(sum, "%q %q\n", name, s.Files[name])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// write copies the setup's files into a container that has not started yet.
func (s BuilderSetup) write(ctx context.Context, docker *client.Client, container string) error {
	if len(s.Files) == 0 {
		return nil
	}
	archive, err := s.archive()
	if err == nil {
		_, err = docker.CopyToContainer(ctx, container, client.CopyToContainerOptions{DestinationPath: "/", Content: archive})
	}
	if err != nil {
		return fmt.Errorf("write the builder's settings to container %q: %w", container, err)
	}
	return nil
}

// archive returns a tar archive of the setup's files and the folders above them.
func (s BuilderSetup) archive() (io.Reader, error) {
	var archive bytes.Buffer
	files := tar.NewWriter(&archive)
	folders := map[string]bool{"/": true}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		for _, folder := range above(name) {
			if folders[folder] {
				continue
			}
			folders[folder] = true
			header := &tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(folder, "/") + "/", Mode: 0o755, ModTime: time.Now()}
			if err := files.WriteHeader(header); err != nil {
				return nil, err
			}
		}
		header := &tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o644, Size: int64(len(s.Files[name])), ModTime: time.Now()}
		if err := files.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := files.Write(s.Files[name]); err != nil {
			return nil, err
		}
	}
	return &archive, files.Close()
}

// above lists the folders above an absolute path, outermost first.
func above(name string) []string {
	var all []string
	for folder := path.Dir(name); folder != "/" && folder != "."; folder = path.Dir(folder) {
		all = append(all, folder)
	}
	slices.Reverse(all)
	return all
}
