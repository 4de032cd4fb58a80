package airgap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"golang.org/x/sync/errgroup"
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

// containerdName is the annotation by which containerd names an imported image.
const containerdName = "io.containerd.image.name"

// writeImages writes the archive that the node imports when it first boots: an
// OCI layout, in which the Kubernetes program is there once, and compressed, for
// every new cluster waits while it is copied.
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
			return fmt.Errorf("kubeadm %s runs an image %q that has no recipe: add it to mage/airgap/kindimages.go", Kubernetes, short)
		}
	}
	dir := filepath.Join(scratch, "control-plane")
	defer os.RemoveAll(dir)
	images, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	for _, short := range sortedKeys(built) {
		full, ok := names[short]
		if !ok {
			full = map[string]string{
				"registry": RegistryRef, "local-path-provisioner": storageImage, "local-path-helper": storageHelperImage,
			}[short]
		}
		named, err := reference.ParseDockerRef(full) // containerd looks for "docker.io/library/…", and not for "…"
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

// images are the control plane's: one static program each, on nothing.
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
	if err := firstError(err1, err2, err3, err4, err5, err6, err7); err != nil {
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
		// The proxy's file system has the shell that the helper's scripts need.
		{"local-path-helper", v1.Config{Env: path}, []v1.Layer{proxy}},
		{"registry", registryConfig, []v1.Layer{registry}},
	} {
		image, err := compose(i.config, i.layers...)
		if err != nil {
			return nil, fmt.Errorf("image %q: %w", i.name, err)
		}
		images[i.name] = image
	}
	return images, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// inParallel runs n jobs at once and returns the first error.
func inParallel(n int, job func(i int) error) error {
	var group errgroup.Group
	for i := range n {
		group.Go(func() error { return job(i) })
	}
	return group.Wait()
}
