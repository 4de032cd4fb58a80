package smoke

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	newImage = "sha256:1111"
	oldImage = "sha256:0000"
)

// version returns a handler that answers a probe with the given images.
func version(image, gateway string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Gateway-Image", gateway)
		respond(200, `{"status":"ok","checks":{"database":"ok","schema":"ok"},"image":"`+image+`"}`)(w, r)
	}
}

func probes(answer func(path string) http.HandlerFunc) []fault {
	var out []fault
	for _, path := range []string{"/livez", "/api/livez", "/api/readyz"} {
		out = append(out, fault{method: "GET", path: path, answer: answer(path)})
	}
	return out
}

var wanted = Images{Frontend: newImage, Backend: newImage, Gateway: newImage}

func TestAnswersOfAnotherVersionFailTheCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path           string
		image, gateway string
		check, says    string
	}{
		"the frontend is the old one": {"/livez", oldImage, newImage, "frontend: live",
			"GET /livez: answered by another version: the component has image sha256:0000, and the release has sha256:1111"},
		"the frontend reports no image": {"/livez", "", newImage, "frontend: live",
			"GET /livez: answered by another version: the component reports no image, and the release has sha256:1111"},
		"the gateway is the old one": {"/livez", newImage, oldImage, "frontend: live",
			"GET /livez: answered by another version: the gateway has image sha256:0000, and the release has sha256:1111"},
		"the backend is the old one": {"/api/livez", oldImage, newImage, "backend: live",
			"GET /api/livez: answered by another version: the component has image sha256:0000, and the release has sha256:1111"},
		"the ready backend is the old one": {"/api/readyz", oldImage, newImage, "backend: ready",
			"GET /api/readyz: answered by another version: the component has image sha256:0000, and the release has sha256:1111"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, url := newApplication(t, probes(func(path string) http.HandlerFunc {
				if path == c.path {
					return version(c.image, c.gateway)
				}
				return version(newImage, newImage)
			})...)
			verdict := Run(t.Context(), impatient(Checks(url, Options{Images: wanted}), 2*time.Second), nil)
			require.Equal(t, []string{c.check}, verdict.Failed())
			for _, r := range verdict.Results {
				if r.Outcome == Failed {
					assert.EqualError(t, r.Err, c.says)
				}
			}
		})
	}
}

func TestCheckWaitsForConsecutiveAnswersOfTheNewVersion(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	_, url := newApplication(t, probes(func(path string) http.HandlerFunc {
		if path != "/api/livez" {
			return version(newImage, newImage)
		}
		return func(w http.ResponseWriter, r *http.Request) {
			if n := asked.Add(1); n == 1 || n == 4 { // one of two pods is the old one
				version(oldImage, newImage)(w, r)
				return
			}
			version(newImage, newImage)(w, r)
		}
	})...)
	verdict := Run(t.Context(), Checks(url, Options{Images: wanted}), nil)
	assert.True(t, verdict.OK(), "%v", verdict.Failed())
	assert.EqualValues(t, 4+identityTries, asked.Load())
}

func TestImagesAreNotComparedIfTheReleaseNamesNone(t *testing.T) {
	t.Parallel()
	_, url := newApplication(t, probes(func(string) http.HandlerFunc { return version(oldImage, oldImage) })...)
	verdict := Run(t.Context(), Checks(url, Options{}), nil)
	assert.True(t, verdict.OK(), "%v", verdict.Failed())
	assert.Equal(t, "image not compared, because the release names none", verdict.Results[0].Detail)
}

func TestEveryRequestUsesANewConnection(t *testing.T) {
	t.Parallel()
	addresses := map[string]int{}
	_, url := newApplication(t, probes(func(path string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if path == "/livez" {
				addresses[r.RemoteAddr]++ // no lock is needed: the check sends one request after another
			}
			version(newImage, newImage)(w, r)
		}
	})...)
	require.True(t, Run(t.Context(), Checks(url, Options{Images: wanted}), nil).OK())
	assert.Len(t, addresses, identityTries)
}
