package chart

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"helm.sh/helm/v3/pkg/registry"
)

// Image returns the package in the form that the helm command expects in a
// registry: an OCI artifact whose config is the chart's metadata and whose only
// layer is the archive. Helm's own client is not used, because it writes the time
// of the push into the artifact, so that the digest changes with each push.
func (p *Package) Image() (v1.Image, error) {
	a := artifact{
		config: static.NewLayer(p.metadata, registry.ConfigMediaType),
		layer:  static.NewLayer(p.archive, registry.ChartLayerMediaType),
		json:   p.metadata,
	}
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Annotations: map[string]string{"org.opencontainers.image.title": p.Name, "org.opencontainers.image.version": p.Version},
	}
	config, err := partial.Descriptor(a.config)
	if err != nil {
		return nil, fmt.Errorf("make OCI artifact of chart %q: %w", p.Name, err)
	}
	layer, err := partial.Descriptor(a.layer)
	if err != nil {
		return nil, fmt.Errorf("make OCI artifact of chart %q: %w", p.Name, err)
	}
	manifest.Config, manifest.Layers = *config, []v1.Descriptor{*layer}
	if a.manifest, err = json.Marshal(manifest); err != nil {
		return nil, fmt.Errorf("make OCI artifact of chart %q: %w", p.Name, err)
	}
	return partial.CompressedToImage(a)
}

// artifact implements partial.CompressedImageCore with a chart's metadata as the
// config.
type artifact struct {
	config, layer  v1.Layer
	json, manifest []byte
}

func (artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func (a artifact) RawConfigFile() ([]byte, error) { return a.json, nil }

func (a artifact) RawManifest() ([]byte, error) { return a.manifest, nil }

func (a artifact) LayerByDigest(wanted v1.Hash) (partial.CompressedLayer, error) {
	for _, blob := range []v1.Layer{a.config, a.layer} {
		if digest, err := blob.Digest(); err != nil || digest == wanted {
			return blob, err
		}
	}
	return nil, fmt.Errorf("find blob %q: the artifact does not contain it", wanted)
}
