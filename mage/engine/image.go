package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/api/types/jsonstream"
)

// LoadImage loads an image into the engine under the tag ref, unless the engine
// has it. loaded tells whether it was loaded.
func (e *Engine) LoadImage(ctx context.Context, ref string, image v1.Image) (loaded bool, err error) {
	tag, err := name.NewTag(ref)
	if err != nil {
		return false, fmt.Errorf("image reference %q: %w", ref, err)
	}
	config, err := image.ConfigName()
	if err != nil {
		return false, fmt.Errorf("read image %q: %w", ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return false, fmt.Errorf("read image %q: %w", ref, err)
	}
	// The ID of an image is the digest of its configuration or, in containerd's
	// store, of its manifest.
	has, err := e.Client.ImageInspect(ctx, ref)
	if err == nil && (has.ID == config.String() || has.ID == digest.String()) {
		return false, nil
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return false, fmt.Errorf("inspect image %q: %w", ref, err)
	}
	if err := e.load(ctx, tag, image); err != nil {
		return false, e.Explain(ctx, fmt.Errorf("load image %q into the engine: %w", ref, err))
	}
	if _, err := e.Client.ImageInspect(ctx, ref); err != nil {
		return false, fmt.Errorf("load image %q into the engine: the engine accepted the image and does not have it: check that its disk is not full: %w", ref, err)
	}
	return true, nil
}

func (e *Engine) load(ctx context.Context, tag name.Tag, image v1.Image) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(tarball.Write(tag, image, writer)) }()
	defer reader.Close()
	answer, err := e.Client.ImageLoad(ctx, reader)
	if err != nil {
		return err
	}
	defer answer.Close()
	return streamed(answer)
}

// streamed reads an engine's answer to its end and returns the error in it: after
// the answer has begun, the engine cannot change the HTTP status. It ignores an
// answer in another format; the caller checks that the image exists.
func streamed(answer io.Reader) error {
	messages := json.NewDecoder(answer)
	for {
		var m jsonstream.Message
		err := messages.Decode(&m)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			_, err = io.Copy(io.Discard, answer)
			return err
		case m.Error != nil:
			return m.Error
		}
	}
}
