package settings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func from(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestDefaultsAreSettingsOfTodoChatbot(t *testing.T) {
	read, err := Read(from(map[string]string{
		"FRONTEND_URL": "http://127.0.0.1:3000", "BACKEND_URL": "http://todo-backend:8000",
		"GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7,2001:db8::/32", "IMAGE_DIGEST": "sha256:abc",
	}))
	require.NoError(t, err)
	assert.Equal(t, "0.0.0.0:8080", read.Listen)
	assert.Equal(t, "0.0.0.0:8081", read.ProbesListen)
	assert.Equal(t, 3*time.Second, read.Drain)
	assert.Equal(t, 65*time.Second, read.Shutdown)
	assert.Equal(t, "http://127.0.0.1:3000/livez", read.Proxy.Ready.String())
	assert.Len(t, read.Proxy.TrustedProxies, 3)
	bodies := map[string]int64{}
	for _, route := range read.Proxy.Routes {
		bodies[route.Path] = route.MaxBody
		assert.Equal(t, 30*time.Second, route.BodyTimeout)
		assert.False(t, route.Upgrade)
	}
	assert.Equal(t, map[string]int64{"/": 1 << 20, "/api/auth": 16 << 10, "/api/": 64 << 10, "/api/livez": 64 << 10, "/api/readyz": 64 << 10}, bodies)
}

func TestRoutesComeFromTheEnvironment(t *testing.T) {
	read, err := Read(from(map[string]string{"GATEWAY_ROUTES": `[
		{"path": "/", "upstream": "http://127.0.0.1:3000/"},
		{"path": "/ws", "upstream": "http://api:8000", "upgrade": true, "maxBody": 0, "keepHost": false, "readSeconds": 5}]`}))
	require.NoError(t, err)
	require.Len(t, read.Proxy.Routes, 2)
	assert.Equal(t, "http://127.0.0.1:3000", read.Proxy.Routes[0].Upstream.String())
	assert.True(t, read.Proxy.Routes[0].KeepHost)
	assert.Equal(t, int64(1<<20), read.Proxy.Routes[0].MaxBody)
	assert.True(t, read.Proxy.Routes[1].Upgrade)
	assert.False(t, read.Proxy.Routes[1].KeepHost)
	assert.Equal(t, int64(0), read.Proxy.Routes[1].MaxBody)
	assert.Equal(t, 5*time.Second, read.Proxy.Routes[1].ReadTimeout)
	assert.Nil(t, read.Proxy.Ready)
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	_, err := Read(from(map[string]string{
		"FRONTEND_URL": "ftp://x", "BACKEND_URL": "http://a/path", "PUBLIC_URL": "todo.example",
		"GATEWAY_TRUSTED_PROXIES": "10.0.0.0/33,proxy", "GATEWAY_RATE": "-1", "GATEWAY_BURST": "many",
		"GATEWAY_LISTEN": "8080", "GATEWAY_DRAIN_SECONDS": "61", "IMAGE_DIGEST": "a\r\nb",
	}))
	var wrong *Error
	require.ErrorAs(t, err, &wrong)
	assert.Len(t, wrong.Problems, 10)
	_, err = Read(from(nil))
	require.ErrorAs(t, err, &wrong)
	assert.Len(t, wrong.Problems, 2)
}

func TestProblemsOfRoutesNameTheField(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:   "is not a JSON list",
		`[]`:   "has no route",
		`[] x`: "something after its list",
		`[{"path": "/", "upstream": "http://a", "size": 1}]`:                             `unknown field "size"`,
		`[{"path": "a", "upstream": "http://a"}]`:                                        `[0].path is "a"`,
		`[{"path": "/a/../b", "upstream": "http://a"}]`:                                  `[0].path is "/a/../b"`,
		`[{"path": "/a%2fb", "upstream": "http://a"}]`:                                   `[0].path is "/a%2fb"`,
		`[{"path": "/", "upstream": "http://a/b"}]`:                                      `[0].upstream is "http://a/b"`,
		`[{"path": "/", "upstream": "http://u:p@a"}]`:                                    `[0].upstream is`,
		`[{"path": "/", "upstream": "http://a", "rewrite": "//b"}]`:                      `[0].rewrite is "//b"`,
		`[{"path": "/", "upstream": "http://a", "maxBody": -1}]`:                         `[0].maxBody is -1`,
		`[{"path": "/", "upstream": "http://a", "bodySeconds": 0}]`:                      `[0].bodySeconds is 0`,
		`[{"path": "/", "upstream": "http://a", "maxInFlight": -2}]`:                     `[0].maxInFlight is -2`,
		`[{"path": "/", "upstream": "http://a"}, {"path": "/", "upstream": "http://b"}]`: `another route has it too`,
	} {
		_, err := Read(from(map[string]string{"GATEWAY_ROUTES": text}))
		assert.ErrorContains(t, err, want, text)
	}
}
