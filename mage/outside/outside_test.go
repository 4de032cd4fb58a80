package outside

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// environment returns the variables of a test; a file of certificates is always
// named, so that no test depends on this machine's.
func environment(t *testing.T, variables map[string]string) func(string) string {
	t.Helper()
	if variables["SSL_CERT_FILE"] == "" {
		path := filepath.Join(t.TempDir(), "ca.pem")
		require.NoError(t, os.WriteFile(path, authority(t), 0o600))
		variables["SSL_CERT_FILE"] = path
	}
	return func(name string) string { return variables[name] }
}

// authority is the certificate of an authority that signed nothing.
func authority(t *testing.T) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return encoded(der)
}

func encoded(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func certificateFile(t *testing.T, server *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, encoded(server.Certificate().Raw), 0o600))
	return path
}

func read(t *testing.T, o Options) *Access {
	t.Helper()
	if o.Getenv == nil {
		o.Getenv = environment(t, map[string]string{})
	}
	access, err := Read(o)
	require.NoError(t, err)
	return access
}

func TestProxyIsReadInEitherCase(t *testing.T) {
	for name, variables := range map[string]map[string]string{
		"upper case":             {"HTTP_PROXY": "http://p:3128", "HTTPS_PROXY": "http://p:3129", "NO_PROXY": "example.com"},
		"lower case":             {"http_proxy": "http://p:3128", "https_proxy": "http://p:3129", "no_proxy": "example.com"},
		"upper case comes first": {"HTTP_PROXY": "http://p:3128", "http_proxy": "http://other:1", "HTTPS_PROXY": "http://p:3129", "no_proxy": "example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			access := read(t, Options{Getenv: environment(t, variables)})
			assert.Equal(t, Proxy{HTTP: "http://p:3128", HTTPS: "http://p:3129", NoProxy: "example.com,127.0.0.1,localhost,::1,.localhost"}, access.Proxy)
			assert.Contains(t, access.Proxy.Environment(), "https_proxy=http://p:3129")
			assert.Contains(t, access.Proxy.Environment(), "HTTPS_PROXY=http://p:3129")
			assert.Equal(t, "http://p:3128", access.Proxy.BuildArguments()["http_proxy"])
		})
	}
}

func TestWithoutProxyNothingIsSet(t *testing.T) {
	access := read(t, Options{Getenv: environment(t, map[string]string{"NO_PROXY": "example.com"})})
	assert.Empty(t, access.Proxy.Environment())
	assert.Empty(t, access.Proxy.BuildArguments())
	assert.False(t, access.Proxy.OnLoopback())
}

func TestProxyOnLoopbackIsRecognised(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:3128": true, "localhost:3128": true, "http://[::1]:3128": true, "socks5://proxy.localhost:1": true,
		"http://proxy.example.com:3128": false, "10.0.0.1:3128": false,
	} {
		assert.Equal(t, want, Proxy{HTTPS: address}.OnLoopback(), address)
	}
}

func TestFaultySettingsAreReportedTogetherWithoutSecrets(t *testing.T) {
	_, err := Read(Options{
		Getenv: environment(t, map[string]string{"HTTPS_PROXY": "ftp://user:geheim@proxy", "http_proxy": "://geheim"}),
		Mirrors: map[string]string{
			"docker.io": "https://harbor.example.com", "not a host": "harbor.example.com", "quay.io": "quay.io",
		},
	})
	require.Error(t, err)
	for _, want := range []string{"HTTP_PROXY", "HTTPS_PROXY", `"https://harbor.example.com"`, `"not a host"`, "mirror of quay.io: it names the registry itself"} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "geheim")
}

func TestMissingOrEmptyCertificateFileIsAnError(t *testing.T) {
	_, err := Read(Options{Getenv: environment(t, map[string]string{"SSL_CERT_FILE": "/nowhere/ca.pem"})})
	assert.ErrorContains(t, err, "SSL_CERT_FILE")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, []byte("nothing\n"), 0o600))
	_, err = Read(Options{Getenv: environment(t, map[string]string{"SSL_CERT_FILE": empty})})
	assert.ErrorContains(t, err, "no certificate")
}

func TestCertificatesOfAllVariablesAreJoinedOnce(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "a.pem"), filepath.Join(t.TempDir(), "b.pem")
	a, b := authority(t), authority(t)
	require.NoError(t, os.WriteFile(first, a, 0o600))
	require.NoError(t, os.WriteFile(second, b, 0o600))
	access := read(t, Options{Getenv: environment(t, map[string]string{"SSL_CERT_FILE": first, "PIP_CERT": first, "NODE_EXTRA_CA_CERTS": second})})
	assert.Equal(t, string(a)+string(b), string(access.Bundle))
}

func TestTransportUsesProxyAndCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "direct") }))
	defer server.Close()
	access := read(t, Options{Getenv: environment(t, map[string]string{"SSL_CERT_FILE": certificateFile(t, server), "HTTP_PROXY": "http://127.0.0.1:1"})})
	response, err := (&http.Client{Transport: access.Transport()}).Get(server.URL)
	require.NoError(t, err, "a loopback address does not go through the proxy, and its certificate is trusted")
	response.Body.Close()

	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "proxy for "+r.URL.Host) }))
	defer proxy.Close()
	access = read(t, Options{Getenv: environment(t, map[string]string{"http_proxy": proxy.URL})})
	response, err = (&http.Client{Transport: access.Transport()}).Get("http://registry.example.test/v2/")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "proxy for registry.example.test", string(body))
}

func TestCandidatesAreMirrorsThenTheRegistry(t *testing.T) {
	access := read(t, Options{
		Mirrors: map[string]string{
			"docker.io": "harbor.example.com/hub", "registry.k8s.io": "mirror.localhost:5000",
		},
		EngineMirrors: []string{"https://engine.example.com/", "not a url\x7f", "http://10.0.0.9:5000"},
	})
	digest := "sha256:" + strings.Repeat("ab", 32)
	for ref, want := range map[string][]string{
		"node:24-alpine":             {"harbor.example.com/hub/library/node:24-alpine", "engine.example.com/library/node:24-alpine", "10.0.0.9:5000/library/node:24-alpine", "index.docker.io/library/node:24-alpine"},
		"grafana/grafana@" + digest:  {"harbor.example.com/hub/grafana/grafana@" + digest, "engine.example.com/grafana/grafana@" + digest, "10.0.0.9:5000/grafana/grafana@" + digest, "index.docker.io/grafana/grafana@" + digest},
		"registry.k8s.io/pause:3.10": {"mirror.localhost:5000/pause:3.10", "registry.k8s.io/pause:3.10"},
		"quay.io/team/image:1":       {"quay.io/team/image:1"},
	} {
		parsed, err := name.ParseReference(ref)
		require.NoError(t, err)
		candidates, err := access.Candidates(parsed)
		require.NoError(t, err)
		var got []string
		for _, candidate := range candidates {
			got = append(got, candidate.Name())
		}
		assert.Equal(t, want, got)
	}
}

func TestPlainHTTPIsNotAssumedForPublicNames(t *testing.T) {
	o := Options{Mirrors: map[string]string{"docker.io": "harbor.example.com"}}
	for _, insecure := range [][]string{nil, {"harbor.example.com", "plain.example.com"}} {
		o.Insecure = insecure
		access := read(t, o)
		want := map[bool]string{true: "http", false: "https"}[insecure != nil]
		for _, ref := range []string{"node:24", "plain.example.com/team/image:1"} {
			candidates, err := access.Candidates(mustRef(t, ref))
			require.NoError(t, err)
			assert.Equal(t, want, candidates[0].Context().Scheme(), ref)
		}
	}
}

func TestInsecureRegistryWithPathIsRefused(t *testing.T) {
	_, err := Read(Options{Getenv: environment(t, map[string]string{}), Insecure: []string{"harbor.example.com/hub", "http://harbor.example.com"}})
	assert.ErrorContains(t, err, `insecure registry "harbor.example.com/hub"`)
	assert.ErrorContains(t, err, `insecure registry "http://harbor.example.com"`)
}

func TestBuilderConfigurationIsTOMLWithMirrorsAndPlainHTTP(t *testing.T) {
	access := read(t, Options{Mirrors: map[string]string{
		"docker.io": "harbor.example.com/hub", "registry.k8s.io": "10.0.0.9:5000/k8s", "quay.io": "plain.example.com/quay",
	}, Insecure: []string{"plain.example.com"}})
	files, err := access.Builder()
	require.NoError(t, err)
	var config struct {
		Registry map[string]struct {
			Mirrors []string
			HTTP    bool
		}
	}
	require.NoError(t, toml.Unmarshal(files["/etc/buildkit/buildkitd.toml"], &config))
	assert.Equal(t, []string{"harbor.example.com/hub"}, config.Registry["docker.io"].Mirrors)
	assert.Equal(t, []string{"10.0.0.9:5000/k8s"}, config.Registry["registry.k8s.io"].Mirrors)
	assert.True(t, config.Registry["10.0.0.9:5000"].HTTP, "a private address")
	assert.True(t, config.Registry["plain.example.com"].HTTP)
	assert.NotContains(t, config.Registry, "harbor.example.com")
	assert.Equal(t, access.Bundle, files[BundleFile])
}

func TestNodeFilesNameTheMirrorBeforeTheRegistry(t *testing.T) {
	access := read(t, Options{Mirrors: map[string]string{"docker.io": "harbor.example.com/hub", "registry.k8s.io": "mirror.localhost:5000"}, Insecure: []string{"plain.example.com"}})
	files, err := access.Node("/etc/containerd/certs.d")
	require.NoError(t, err)
	type host struct {
		Capabilities []string
		OverridePath bool `toml:"override_path"`
		CA           string
	}
	var hub, k8s struct {
		Server string
		Host   map[string]host
	}
	require.NoError(t, toml.Unmarshal(files["/etc/containerd/certs.d/docker.io/hosts.toml"], &hub))
	assert.Equal(t, "https://registry-1.docker.io", hub.Server)
	assert.Equal(t, map[string]host{"https://harbor.example.com/v2/hub": {Capabilities: []string{"pull", "resolve"}, OverridePath: true, CA: BundleFile}}, hub.Host)
	require.NoError(t, toml.Unmarshal(files["/etc/containerd/certs.d/registry.k8s.io/hosts.toml"], &k8s))
	assert.Equal(t, map[string]host{"http://mirror.localhost:5000": {Capabilities: []string{"pull", "resolve"}}}, k8s.Host)
	assert.Equal(t, "server = \"http://plain.example.com\"\n", string(files["/etc/containerd/certs.d/plain.example.com/hosts.toml"]))
	assert.Contains(t, files, BundleFile)

	files, err = read(t, Options{}).Node("/etc/containerd/certs.d")
	require.NoError(t, err)
	assert.Empty(t, files, "without mirrors the node stays as it is")
}

func TestMirrorServesAnImageOfItsRegistry(t *testing.T) {
	server := httptest.NewTLSServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "https://")
	image, err := random.Image(64, 1)
	require.NoError(t, err)
	access := read(t, Options{
		Getenv:  environment(t, map[string]string{"SSL_CERT_FILE": certificateFile(t, server), "HTTPS_PROXY": "http://127.0.0.1:1"}),
		Mirrors: map[string]string{"docker.io": host + "/hub"},
	})
	pushed := mustRef(t, host+"/hub/library/node:24")
	require.NoError(t, remote.Write(pushed, image, remote.WithTransport(access.Transport())))
	candidates, err := access.Candidates(mustRef(t, "node:24"))
	require.NoError(t, err)
	found, err := remote.Image(candidates[0], remote.WithTransport(access.Transport()))
	require.NoError(t, err)
	want, err := image.Digest()
	require.NoError(t, err)
	got, err := found.Digest()
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func mustRef(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text)
	require.NoError(t, err)
	return ref
}

func TestRefusalsAreNamed(t *testing.T) {
	answer := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for title, tc := range map[string]struct {
		handler http.HandlerFunc
		want    Reason
		final   bool
		says    []string
	}{
		"no login":           {answer(401, `{"errors":[{"code":"UNAUTHORIZED"}]}`), Unauthorized, true, []string{"requires a login", "docker login"}},
		"forbidden":          {answer(403, `{"errors":[{"code":"DENIED"}]}`), Forbidden, true, []string{"forbidden"}},
		"proxy wants login":  {answer(407, ""), Forbidden, true, []string{"proxy"}},
		"not there":          {answer(404, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), NotFound, true, []string{"does not have it"}},
		"limit":              {answer(429, `{"errors":[{"code":"TOOMANYREQUESTS"}]}`), RateLimited, false, []string{"rate limit", "pipeline.mirrors"}},
		"limit with seconds": {answer(429, "", "Retry-After", "90"), RateLimited, false, []string{"wait until 90 s have passed"}},
		"limit with date":    {answer(429, "", "Retry-After", "Tue, 01 Dec 2026 10:00:00 GMT"), RateLimited, false, []string{"until Tue, 01 Dec 2026 10:00:00 GMT"}},
		"broken":             {answer(500, "oops"), Unreachable, false, []string{"not reachable"}},
	} {
		t.Run(title, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			address, err := url.Parse(server.URL)
			require.NoError(t, err)
			ref := mustRef(t, address.Host+"/team/image:1")
			_, err = remote.Image(ref, remote.WithTransport(read(t, Options{}).Transport()), remote.WithRetryBackoff(remote.Backoff{Steps: 1}))
			require.Error(t, err)
			var refusal *Refusal
			require.ErrorAs(t, Explain(ref, err), &refusal)
			assert.Equal(t, tc.want, refusal.Reason, err)
			assert.Equal(t, tc.final, refusal.Final())
			for _, says := range tc.says {
				assert.ErrorContains(t, refusal, says)
			}
		})
	}
}

func TestConnectionFaultsAreNamed(t *testing.T) {
	untrusted := httptest.NewTLSServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer untrusted.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	get := func(t *testing.T, url string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 100e6)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		require.NoError(t, err)
		response, err := read(t, Options{}).Transport().RoundTrip(request)
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	ref := mustRef(t, "node:24")
	for want, url := range map[Reason]string{Untrusted: untrusted.URL, TimedOut: slow.URL, Unreachable: closed.URL} {
		var refusal *Refusal
		require.ErrorAs(t, Explain(ref, get(t, url)), &refusal)
		assert.Equal(t, want, refusal.Reason)
	}
	assert.NoError(t, Explain(ref, nil))
}
