package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// identityBound bounds the wait for answers of the right version: the proxies of a
	// Service learn of a change some seconds after the API server.
	identityBound = 10 * time.Second
	// identityTries is how many consecutive answers must come from the right version,
	// because a Service chooses any of its pods for each connection.
	identityTries = 5
	// gatewayHeader contains the image of the gateway. Components report their image in
	// the field "image".
	gatewayHeader = "X-Gateway-Image"
)

// answeredBy requests path until consecutive answers name the expected image, and the
// expected image of the gateway if there is one. It never accepts an answer of another
// version. When ctx ends, its error names the last wrong version.
func (v *visit) answeredBy(ctx context.Context, path, image string) (*answer, string, error) {
	var other error
	for inRow := 0; ; {
		got, err := v.want(ctx, ask{method: http.MethodGet, path: path}, http.StatusOK)
		if err != nil && ctx.Err() != nil && other != nil {
			return got, "", other // the wrong version is the cause
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
		if !wait(ctx, longPause) {
			return got, "", other
		}
	}
}

// otherVersion returns an error if another image than the expected one answered.
func (v *visit) otherVersion(got *answer, image string) error {
	var named struct{ Image string }
	_ = json.Unmarshal(got.body, &named) // an answer that is not JSON has no image
	for _, part := range []struct{ of, want, got string }{
		{"gateway", v.images.Gateway, got.header.Get(gatewayHeader)},
		{"component", image, named.Image},
	} {
		switch {
		case part.want == "" || part.got == part.want:
		case part.got == "":
			return fmt.Errorf("%s %s: answered by another version: the %s reports no image, and the release has %s", got.method, got.path, part.of, part.want)
		default:
			return fmt.Errorf("%s %s: answered by another version: the %s has image %s, and the release has %s", got.method, got.path, part.of, part.got, part.want)
		}
	}
	return nil
}

func compared(image string) string {
	if image == "" {
		return "image not compared, because the release names none"
	}
	return "image " + image
}
