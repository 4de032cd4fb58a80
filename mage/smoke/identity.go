package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// identityBound bounds a check that waits for the right version to answer: a
	// Service's proxies learn of a change some seconds after the API server.
	identityBound = 10 * time.Second
	// identityTries is how many answers in a row must be of the right version:
	// a Service leads each connection to any of its pods.
	identityTries = 5
	// gatewayHeader is how the gateway names its image; components name theirs
	// in the field "image".
	gatewayHeader = "X-Gateway-Image"
)

// answeredBy asks for path until several answers in a row name the image that
// must answer there, and the gateway's where one must. An answer of another
// version is never accepted; the last one is told when ctx ends.
func (v *visit) answeredBy(ctx context.Context, path, image string) (*answer, string, error) {
	var other error
	for inRow := 0; ; {
		got, err := v.want(ctx, ask{method: http.MethodGet, path: path}, http.StatusOK)
		if err != nil && ctx.Err() != nil && other != nil {
			return got, "", other // says more than that the time is over
		}
		if err != nil {
			return got, "", err
		}
		other = v.otherVersion(got, image)
		if other == nil {
			if inRow++; inRow == identityTries || image == "" && v.images.Gateway == "" {
				return got, compared(image), nil
			}
			continue
		}
		inRow = 0
		select {
		case <-ctx.Done():
			return got, "", other
		case <-time.After(longPause):
		}
	}
}

// otherVersion says which image answered in place of the one that must.
func (v *visit) otherVersion(got *answer, image string) error {
	var named struct{ Image string }
	_ = json.Unmarshal(got.body, &named) // what is not JSON names no image
	for _, part := range []struct{ of, want, got string }{
		{"gateway", v.images.Gateway, got.header.Get(gatewayHeader)},
		{"component", image, named.Image},
	} {
		switch {
		case part.want == "" || part.got == part.want:
		case part.got == "":
			return fmt.Errorf("%s %s: answered by another version: the %s names no image, the release has %s", got.method, got.path, part.of, part.want)
		default:
			return fmt.Errorf("%s %s: answered by another version: the %s is of image %s, the release has %s", got.method, got.path, part.of, part.got, part.want)
		}
	}
	return nil
}

func compared(image string) string {
	if image == "" {
		return "image not compared: the release names none"
	}
	return "image " + image
}
