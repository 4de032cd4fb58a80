package integration

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/progress"
)

// endpoint is where the ingress controller is reached.
type endpoint struct {
	ports map[string]string // port of a URL → address on this machine
	roots *x509.CertPool    // of its certificates
}

// browser sends requests for every host to the endpoint.
func (e endpoint) browser() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: e.roots},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				if there, ok := e.ports[port]; ok {
					address = there
				} else {
					address = net.JoinHostPort("127.0.0.1", port)
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		},
	}
}

// redirectsToTLS requires a redirect from plain HTTP to the same page with TLS.
func (e endpoint) redirectsToTLS(t *testing.T, host string) {
	t.Helper()
	response, err := e.browser().Get("http://" + host + "/sign-in?from=here")
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusPermanentRedirect, response.StatusCode)
	assert.Equal(t, "https://"+host+"/sign-in?from=here", response.Header.Get("Location"))
}

// streams requires the first event of an answer while a lock keeps the backend from
// making the rest of it: a proxy that buffers would deliver no event.
func (f *fixture) streams(t *testing.T, g guest) {
	t.Helper()
	release := f.lockTodos(t)
	defer release()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.Base+g.API("chat/stream"), strings.NewReader(`{"message":"Add a task to water the plants"}`))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+g.Token)
	response, err := g.HTTP.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	events := bufio.NewReader(response.Body)
	first, err := events.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "event: start\n", first)
	release()
	rest, err := io.ReadAll(events)
	require.NoError(t, err)
	assert.Contains(t, string(rest), "event: done\n")
	assert.Contains(t, g.must(t, http.StatusOK, http.MethodGet, "tasks", nil), "Water the plants",
		"the lock was released in time, so the answer is complete")
}

// lockTodos locks the table of todos in staging's database until the returned
// function is called.
func (f *fixture) lockTodos(t *testing.T) (release func()) {
	t.Helper()
	const psql = `PGPASSWORD="$(cat /run/secrets/postgresql/database-password)" exec psql -q -h 127.0.0.1 -U todo -d todo`
	request := f.client(t).CoreV1().RESTClient().Post().Resource("pods").Namespace(stagingNamespace).Name("todo-postgresql-0").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "postgresql", Command: []string{"sh", "-c", psql}, Stdin: true, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewSPDYExecutor(f.clients(t).Config, http.MethodPost, request.URL())
	require.NoError(t, err)
	script, say := io.Pipe()
	answers, heard := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := executor.StreamWithContext(context.WithoutCancel(t.Context()), remotecommand.StreamOptions{Stdin: script, Stdout: heard, Stderr: t.Output()})
		script.CloseWithError(io.ErrClosedPipe)
		heard.CloseWithError(err) // nil ends the output
	}()
	_, err = io.WriteString(say, "BEGIN;\nLOCK TABLE task;\n\\echo held\n")
	require.NoError(t, err)
	word, err := bufio.NewReader(answers).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", word)
	return sync.OnceFunc(func() {
		say.Close() // psql ends with its input, and the transaction with psql
		<-ended
	})
}

// traefik pushes Traefik's image, pulled or locally made, to the cluster's registry
// and returns its reference.
func (f *fixture) traefik(t *testing.T) string {
	t.Helper()
	supply := airgap.New(airgap.Options{
		Root: f.Dir, Cache: f.cache, Offline: os.Getenv("TODO_OFFLINE") == "true", Progress: progress.New(t.Output(), progress.Options{}),
	})
	found, err := supply.Resolve(t.Context(), airgap.TraefikRef)
	require.NoError(t, err)
	require.NotNil(t, found.Image, "the registry of the image does not answer")
	provider, err := cluster.NewKubeContext(cluster.ContextOptions{Kubeconfig: f.kubeconfig(), Context: "kind-" + f.Cluster})
	require.NoError(t, err)
	where, err := provider.Find(t.Context())
	require.NoError(t, err)
	require.NotNil(t, where)
	publisher, err := image.NewPublisher(where.Registry.Push, where.Registry.Pull, image.PublisherOptions{Login: where.Registry.Login})
	require.NoError(t, err)
	published, err := publisher.Publish(t.Context(), "traefik", found.Image, []string{airgap.Traefik})
	require.NoError(t, err)
	t.Logf("%s: %.1f MB", published.Digest, float64(published.Bytes)/1e6)
	return published.Digest.String()
}

// gatewayAPI returns the definitions of the Gateway API, of the standard channel and
// of the version that Traefik was built with.
func (f *fixture) gatewayAPI(t *testing.T) []byte {
	t.Helper()
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "sigs.k8s.io/gateway-api")
	download.Dir = filepath.Join(f.Dir, "mage", "airgap", "modules", "traefik")
	out, err := download.Output()
	require.NoError(t, err, string(out))
	var module struct{ Dir string }
	require.NoError(t, json.Unmarshal(out, &module))
	files, err := filepath.Glob(filepath.Join(module.Dir, "config", "crd", "standard", "*.yaml"))
	require.NoError(t, err)
	var text []byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(content), "\nkind: CustomResourceDefinition\n") {
			text = slices.Concat(text, []byte("\n---\n"), content)
		}
	}
	require.NotEmpty(t, text)
	return text
}

// selfSigned returns a certificate as a Secret, and the pool that trusts it.
func selfSigned(t *testing.T, hosts ...string) (*corev1.Secret, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: certificateName}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey: certificate, corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		},
	}, roots
}
