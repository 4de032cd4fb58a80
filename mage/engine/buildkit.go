package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"todo-chatbot/mage/kube"
)

// BuildKitName names the container and the volume of the build cache.
const BuildKitName = "todo-chatbot-buildkit"

// builderShares is the builder's CPU weight against a node's 1024, so that a
// build does not starve the application.
const builderShares = 256

// buildKitTimeout bounds the wait for BuildKit to answer.
const buildKitTimeout = 60 * time.Second

// BuildKit ensures that the builder runs from an image that the engine has, with
// the given setup. It replaces a builder of another image or setup, unless a build
// uses that builder; then this run uses it too. The build cache is a volume that
// outlives the container.
func (e *Engine) BuildKit(ctx context.Context, imageRef string, setup BuilderSetup) (started bool, err error) {
	image, err := e.Client.ImageInspect(ctx, imageRef)
	if err != nil {
		return false, fmt.Errorf("inspect image %q: %w", imageRef, err)
	}
	existing, err := e.Client.ContainerInspect(ctx, BuildKitName, client.ContainerInspectOptions{})
	switch {
	case err != nil && !errdefs.IsNotFound(err):
		return false, fmt.Errorf("inspect container %q: %w", BuildKitName, err)
	case err == nil && existing.Container.Image == image.ID && setupOf(existing.Container) == setup.digest():
		if existing.Container.State != nil && existing.Container.State.Running {
			return false, nil
		}
	case err == nil:
		if busy, err := e.BuildKitBusy(ctx); busy || err != nil {
			return false, err
		}
		if err := e.remove(ctx, BuildKitName); err != nil {
			return false, err
		}
		fallthrough
	default:
		if err := e.createBuildKit(ctx, imageRef, setup); err != nil {
			return false, err
		}
	}
	// Before every start: a run may have ended between the creation and here.
	if err := setup.write(ctx, e.Client, BuildKitName); err != nil {
		return false, e.Explain(ctx, err)
	}
	if _, err := e.Client.ContainerStart(ctx, BuildKitName, client.ContainerStartOptions{}); err != nil {
		return false, e.Explain(ctx, fmt.Errorf("start container %q: %w", BuildKitName, err))
	}
	return true, e.awaitBuildKit(ctx)
}

// createBuildKit gives the builder the host's network, so that build steps reach
// the package registries through the host's proxies and resolvers.
func (e *Engine) createBuildKit(ctx context.Context, imageRef string, setup BuilderSetup) error {
	labels := map[string]string{"app.kubernetes.io/managed-by": "todo-chatbot-pipeline"}
	if digest := setup.digest(); digest != "" {
		labels[setupLabel] = digest
	}
	_, err := e.Client.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name:   BuildKitName,
		Config: &container.Config{Image: imageRef, Env: setup.Env, Labels: labels},
		HostConfig: &container.HostConfig{
			Privileged:  true,
			NetworkMode: "host",
			Resources:   container.Resources{CPUShares: builderShares},
			Mounts:      []mount.Mount{{Type: mount.TypeVolume, Source: BuildKitName, Target: "/var/lib/buildkit"}},
		},
	})
	if err != nil {
		return e.Explain(ctx, fmt.Errorf("create container %q: %w", BuildKitName, err))
	}
	return nil
}

func setupOf(builder container.InspectResponse) string {
	if builder.Config == nil {
		return ""
	}
	return builder.Config.Labels[setupLabel]
}

func (e *Engine) awaitBuildKit(ctx context.Context) error {
	err := kube.Poll{Every: 100 * time.Millisecond, Within: buildKitTimeout}.Until(ctx, func(ctx context.Context) error {
		exec, err := e.Client.ExecCreate(ctx, BuildKitName, client.ExecCreateOptions{Cmd: []string{"buildctl", "debug", "workers"}})
		if err == nil {
			_, err = e.Client.ExecStart(ctx, exec.ID, client.ExecStartOptions{})
		}
		if err != nil {
			return err
		}
		code, err := e.exitCode(ctx, exec.ID)
		if err == nil && code != 0 {
			err = fmt.Errorf("`buildctl debug workers` exits with %d", code)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for BuildKit: %w: see `docker logs %s`", err, BuildKitName)
	}
	return nil
}

// exitCode waits until a process in a container has ended.
func (e *Engine) exitCode(ctx context.Context, exec string) (code int, err error) {
	err = kube.Poll{Every: 20 * time.Millisecond}.Until(ctx, func(ctx context.Context) error {
		state, err := e.Client.ExecInspect(ctx, exec, client.ExecInspectOptions{})
		switch {
		case err != nil:
			return kube.Stop(err)
		case state.Running:
			return errors.New("the process still runs")
		}
		code = state.ExitCode
		return nil
	})
	return code, err
}

// DialBuildKit connects to the builder through the engine, so that the builder
// needs no port.
func (e *Engine) DialBuildKit(ctx context.Context) (net.Conn, error) {
	exec, err := e.Client.ExecCreate(ctx, BuildKitName, client.ExecCreateOptions{
		Cmd: []string{"buildctl", "dial-stdio"}, AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to BuildKit: %w", err)
	}
	attached, err := e.Client.ExecAttach(ctx, exec.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("connect to BuildKit: %w", err)
	}
	reader, writer := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(writer, io.Discard, attached.Reader)
		if err == nil {
			err = io.EOF
		}
		writer.CloseWithError(err)
	}()
	return &execConn{Conn: attached.Conn, reader: reader}, nil
}

// execConn is a connection to the standard streams of a process in a container.
// Read removes the engine's framing.
type execConn struct {
	net.Conn
	reader *io.PipeReader
}

func (c *execConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

func (c *execConn) Close() error {
	c.reader.Close()
	return c.Conn.Close()
}

// BuildKitBusy tells whether a build of any project or user runs: each build
// holds a process in the builder.
func (e *Engine) BuildKitBusy(ctx context.Context) (bool, error) {
	got, err := e.Client.ContainerInspect(ctx, BuildKitName, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("inspect container %q: %w", BuildKitName, err)
	}
	for _, id := range got.Container.ExecIDs {
		process, err := e.Client.ExecInspect(ctx, id, client.ExecInspectOptions{})
		if errdefs.IsNotFound(err) {
			continue // the process has ended meanwhile
		}
		if err != nil {
			return false, fmt.Errorf("list the processes in container %q: %w", BuildKitName, err)
		}
		if process.Running {
			return true, nil
		}
	}
	return false, nil
}

// HasBuildKit tells whether the builder and its cache exist.
func (e *Engine) HasBuildKit(ctx context.Context) (container, cache bool, err error) {
	if _, err = e.Client.ContainerInspect(ctx, BuildKitName, client.ContainerInspectOptions{}); err != nil && !errdefs.IsNotFound(err) {
		return false, false, fmt.Errorf("inspect container %q: %w", BuildKitName, err)
	}
	container = err == nil
	if _, err = e.Client.VolumeInspect(ctx, BuildKitName, client.VolumeInspectOptions{}); err != nil && !errdefs.IsNotFound(err) {
		return container, false, fmt.Errorf("inspect volume %q: %w", BuildKitName, err)
	}
	return container, err == nil, nil
}

// RemoveBuildKit removes the builder and names what it removed. Its cache stays.
func (e *Engine) RemoveBuildKit(ctx context.Context) (removed []string, err error) {
	if exists, _, err := e.HasBuildKit(ctx); err != nil || !exists {
		return nil, err
	}
	if err := e.remove(ctx, BuildKitName); err != nil {
		return nil, err
	}
	return []string{"container " + BuildKitName}, nil
}

// RemoveBuildCache removes the builder's cache and names what it removed. Remove
// the builder first: the engine keeps a volume that a container uses.
func (e *Engine) RemoveBuildCache(ctx context.Context) (removed []string, err error) {
	if _, exists, err := e.HasBuildKit(ctx); err != nil || !exists {
		return nil, err
	}
	if _, err := e.Client.VolumeRemove(ctx, BuildKitName, client.VolumeRemoveOptions{}); err != nil {
		return nil, fmt.Errorf("remove volume %q: %w", BuildKitName, err)
	}
	return []string{"volume " + BuildKitName}, nil
}

func (e *Engine) remove(ctx context.Context, name string) error {
	if _, err := e.Client.ContainerRemove(ctx, name, client.ContainerRemoveOptions{Force: true}); err != nil {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	return nil
}

// RemoveImages removes images that no container uses. It names those that it
// removed, and those that it kept with the reason.
func (e *Engine) RemoveImages(ctx context.Context, refs ...string) (removed, kept []string, err error) {
	for _, ref := range refs {
		_, err := e.Client.ImageRemove(ctx, ref, client.ImageRemoveOptions{})
		switch {
		case errdefs.IsNotFound(err):
		case errdefs.IsConflict(err):
			kept = append(kept, "image "+ref+": a container uses it")
		case err != nil:
			return removed, kept, fmt.Errorf("remove image %q: %w", ref, err)
		default:
			removed = append(removed, "image "+ref)
		}
	}
	return removed, kept, nil
}
