package airgap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// controlPlaneImages asks kubeadm which images a new cluster runs.
func (k kindNode) controlPlaneImages(ctx context.Context, p nodeParts) (map[string]string, error) {
	kubeadm := exec.CommandContext(ctx, filepath.Join(p.kubernetes, "kubernetes"), "config", "images", "list", "--kubernetes-version", Kubernetes)
	kubeadm.Args[0] = "kubeadm"
	kubeadm.Env = append(os.Environ(), "HOME="+os.TempDir())
	out, err := kubeadm.Output()
	if err != nil {
		return nil, fmt.Errorf("ask kubeadm for its images: %w", err)
	}
	images := map[string]string{}
	for ref := range strings.FieldsSeq(string(out)) {
		repository, _, _ := strings.Cut(ref[strings.LastIndexByte(ref, '/')+1:], ":")
		images[repository] = ref
	}
	return images, nil
}

func (k kindNode) pauseImage(ctx context.Context, p nodeParts) (string, error) {
	images, err := k.controlPlaneImages(ctx, p)
	return images["pause"], err
}

// containerdName is the annotation with the name under which containerd imports an
// image.
const containerdName = "io.containerd.image.name"

// writeImages writes the archive that the node imports at its first boot: an OCI
// layout. Its layers are compressed, because every new cluster copies it, and the
// layer with the Kubernetes program is in it once.
func (k kindNode) writeImages(ctx context.Context, archive, scratch string, p nodeParts) error {
	names, err := k.controlPlaneImages(ctx, p)
	if err != nil {
		return err
	}
	built, err := k.images(scratch, p)
	if err != nil {
		return err
	}
	for short := range names {
		if _, ok := built[short]; !ok {
			return fmt.Errorf("kubeadm %s runs image %q, which has no recipe: add it to mage/airgap/kindimages.go", Kubernetes, short)
		}
	}
	dir := filepath.Join(scratch, "control-plane")
	defer os.RemoveAll(dir)
	images, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	for _, short := range slices.Sorted(maps.Keys(built)) {
		full, ok := names[short]
		if !ok {
			full = map[string]string{
				"registry": RegistryRef, "local-path-provisioner": storageImage, "local-path-helper": storageHelperImage,
			}[short]
		}
		named, err := reference.ParseDockerRef(full) // containerd looks up the full form, "docker.io/library/…"
		if err != nil {
			return fmt.Errorf("name of image %q: %w", short, err)
		}
		if err := images.AppendImage(built[short], layout.WithAnnotations(map[string]string{containerdName: named.String()})); err != nil {
			return fmt.Errorf("store image %q: %w", short, err)
		}
	}
	files, err := filesBelow(dir, "")
	if err != nil {
		return err
	}
	return writeTar(archive, files)
}

// images are those of the control plane, by the last part of their repository. Most
// are one static program without a base.
func (k kindNode) images(scratch string, p nodeParts) (map[string]v1.Image, error) {
	shared := []file{{Path: "usr/local/bin/kubernetes", Mode: 0o755, Source: filepath.Join(p.kubernetes, "kubernetes")}}
	for _, program := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"} {
		shared = append(shared, file{Path: "usr/local/bin/" + program, Link: "kubernetes"})
	}
	layer := func(name string, files ...file) (v1.Layer, error) {
		target := filepath.Join(scratch, "layer-"+name+".tar")
		if err := writeTar(target, files); err != nil {
			return nil, err
		}
		return pushedLayer(target)
	}
	single := func(name, source, path string) (v1.Layer, error) {
		return layer(name, file{Path: path, Mode: 0o755, Source: source})
	}
	kubernetes, err1 := layer("kubernetes", shared...)
	etcd, err2 := single("etcd", filepath.Join(p.kubernetes, "etcd"), "usr/local/bin/etcd")
	coredns, err3 := single("coredns", filepath.Join(p.kubernetes, "coredns"), "coredns")
	pause, err4 := single("pause", filepath.Join(p.kubernetes, "pause"), "pause")
	storage, err5 := single("storage", filepath.Join(p.storage, "local-path-provisioner"), "usr/local/bin/local-path-provisioner")
	proxy, err6 := pushedLayer(p.proxyRoot)
	registry, err7 := pushedLayer(p.registryRoot)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		return nil, err
	}
	path := []string{searchPath}
	images := map[string]v1.Image{}
	for _, i := range []struct {
		name   string
		config v1.Config
		layers []v1.Layer
	}{
		{"kube-apiserver", v1.Config{Env: path}, []v1.Layer{kubernetes}},
		{"kube-controller-manager", v1.Config{Env: path}, []v1.Layer{kubernetes}},
		{"kube-scheduler", v1.Config{Env: path}, []v1.Layer{kubernetes}},
		{"kube-proxy", v1.Config{Env: path}, []v1.Layer{proxy, kubernetes}},
		{"etcd", v1.Config{Env: path}, []v1.Layer{etcd}},
		{"coredns", v1.Config{Env: path, Entrypoint: []string{"/coredns"}}, []v1.Layer{coredns}},
		{"pause", v1.Config{Env: path, Entrypoint: []string{"/pause"}, User: "65535:65535"}, []v1.Layer{pause}},
		{"local-path-provisioner", v1.Config{Env: path}, []v1.Layer{storage}},
		// The helper's scripts need the shell in the proxy's file system.
		{"local-path-helper", v1.Config{Env: path}, []v1.Layer{proxy}},
		{"registry", registryConfig(), []v1.Layer{registry}},
	} {
		image, err := compose(i.config, i.layers...)
		if err != nil {
			return nil, fmt.Errorf("image %q: %w", i.name, err)
		}
		images[i.name] = image
	}
	return images, nil
}
