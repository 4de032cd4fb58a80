package airgap

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"todo-chatbot/mage/progress"
)

// store writes an image into dir as an OCI layout and removes the tars of its
// layers.
func store(dir string, image v1.Image, step *progress.Step) error {
	step.Update("store")
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("store image: %w", err)
	}
	if err := path.AppendImage(image, layout.WithPlatform(platform())); err != nil {
		return fmt.Errorf("store image: %w", err)
	}
	scratch, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		return err
	}
	for _, file := range scratch {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// compose returns an image of layers and a configuration.
func compose(config v1.Config, layers ...v1.Layer) (v1.Image, error) {
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(base, layers...)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = platform().OS, platform().Architecture, config
	return mutate.ConfigFile(image, file)
}

func platform() v1.Platform {
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
}

func fileName(ref string) string {
	return strings.NewReplacer("/", "_", ":", "_", "@", "_").Replace(ref)
}
