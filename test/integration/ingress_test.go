package integration

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/smoke"
	"todo-chatbot/test/person"
)

const (
	stagingValues    = "values/staging.yaml"
	ingressHost      = "todo-staging.localhost" // as values/staging.yaml has it
	gatewayHost      = "todo-gateway.localhost"
	certificateName  = "todo-tls"
	controllersSpace = "traefik"
)

// The Ingress of staging's values, and the same with TLS and a Gateway.
const (
	plainIngress = "  ingress: {enabled: true, host: " + ingressHost + "}\n"
	moreWaysIn   = "  gateway: {trustedProxies: [10.244.0.0/16]}\n" + // the cluster's pods; the controller is one of them
		"  ingress: {enabled: true, host: " + ingressHost + ", tlsSecretName: " + certificateName + "}\n" +
		"  httpRoute: {enabled: true, parentRefs: [{name: traefik, namespace: " + controllersSpace + "}], hostnames: [" + gatewayHost + "]}\n"
)

// ingress brings a controller into the cluster, uses staging through the Ingress
// that it has anyway, then through one with TLS and through a Gateway, and puts
// everything back.
func (l *life) ingress(t *testing.T) {
	l.stage(t)
	into := l.manifests(t)
	door := l.controller(t, into)
	t.Run("an Ingress, as staging has it", func(t *testing.T) {
		_, port, err := net.SplitHostPort(door.ports["80"])
		require.NoError(t, err)
		l.comesIn(t, door, "http://"+net.JoinHostPort(ingressHost, port)) // as a browser on this machine says it
	})

	require.NoError(t, l.Edit(stagingValues, plainIngress, moreWaysIn))
	defer l.back(t)
	l.stage(t)
	t.Run("an Ingress with TLS", func(t *testing.T) {
		l.comesIn(t, door, "https://"+ingressHost)
		door.leadsToTLS(t, ingressHost)
	})
	t.Run("a Gateway", func(t *testing.T) { l.comesIn(t, door, "http://"+gatewayHost) })
	t.Run("a Gateway with TLS", func(t *testing.T) { l.comesIn(t, door, "https://"+gatewayHost) })
}

func (l *life) stage(t *testing.T) {
	t.Helper()
	result, err := l.Mage(context.WithoutCancel(t.Context()), "deploy:staging")
	require.NoError(t, err)
	require.Zero(t, result.Code, result.Stderr)
	require.Equal(t, []string{"passed"}, result.Lines("verdict"))
}

// back gives staging the way in that it had.
func (l *life) back(t *testing.T) {
	t.Helper()
	require.NoError(t, l.Edit(stagingValues, moreWaysIn, plainIngress))
	l.stage(t)
	ctx := context.WithoutCancel(t.Context())
	found, err := l.client(t).NetworkingV1().Ingresses(stagingNamespace).Get(ctx, "todo-frontend", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Empty(t, found.Spec.TLS)
	routes := schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	_, err = l.manifests(t).dynamic.Resource(routes).Namespace(stagingNamespace).Get(ctx, "todo-frontend", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err), "%v", err)
}

// controller brings Traefik, which takes Ingresses of class nginx and a
// Gateway's routes, with a certificate for both host names, until the test ends.
func (l *life) controller(t *testing.T, into manifests) door {
	t.Helper()
	text := strings.Replace(string(testdata(t, "traefik.yaml")), airgap.TraefikRef, l.traefik(t), 1)
	certificate, roots := selfMade(t, ingressHost, gatewayHost)
	for _, text := range [][]byte{l.gatewayAPI(t), []byte(text), testdata(t, "gateway.yaml")} {
		t.Cleanup(func() { into.remove(t, text) })
		into.apply(t, text)
	}
	for _, namespace := range []string{controllersSpace, stagingNamespace} {
		secrets := l.client(t).CoreV1().Secrets(namespace)
		_, err := secrets.Create(t.Context(), certificate.DeepCopy(), metav1.CreateOptions{})
		require.NoError(t, err)
		t.Cleanup(func() {
			assert.NoError(t, secrets.Delete(context.WithoutCancel(t.Context()), certificate.Name, metav1.DeleteOptions{}))
		})
	}
	l.runs(t, controllersSpace, "traefik")
	return l.opens(t, roots)
}

// opens leads this machine's own ports to the controller, until the test ends.
func (l *life) opens(t *testing.T, roots *x509.CertPool) door {
	t.Helper()
	clients, err := kube.Connect(l.config(t))
	require.NoError(t, err)
	d := door{roots: roots, ports: map[string]string{}}
	for _, port := range []int{80, 443} {
		to := cluster.ServicePort{Namespace: controllersSpace, Service: "traefik", Port: intstr.FromInt(port)}
		address, stop, err := cluster.Forward(context.WithoutCancel(t.Context()), clients, to, 0)
		require.NoError(t, err)
		t.Cleanup(stop)
		d.ports[strconv.Itoa(port)] = address
	}
	return d
}

// runs waits for a Deployment, and says what its pods say if it waits in vain.
func (l *life) runs(t *testing.T, namespace, name string) {
	t.Helper()
	var pods *corev1.PodList
	ready := func() bool {
		d, err := l.client(t).AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil || d.Status.AvailableReplicas == 0 {
			pods, _ = l.client(t).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
			return false
		}
		return true
	}
	if !assert.Eventually(t, ready, 2*time.Minute, 500*time.Millisecond) {
		for _, pod := range pods.Items {
			t.Logf("%s: %s %+v", pod.Name, pod.Status.Phase, pod.Status.ContainerStatuses)
		}
		t.FailNow()
	}
}

// comesIn uses the application at an address of the controller's, as people do.
func (l *life) comesIn(t *testing.T, d door, base string) {
	someone := d.browser()
	require.Eventually(t, func() bool {
		response, err := someone.Get(base + "/livez")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, time.Minute, 200*time.Millisecond, "the controller takes a moment to see what is new")
	checks := smoke.Checks(base, smoke.Options{HTTP: d.browser()})
	verdict := smoke.Run(t.Context(), checks, progress.New(t.Output(), progress.Options{}))
	require.True(t, verdict.OK(), verdict.Failed())
	t.Logf("%s: %d checks passed", base, len(verdict.Results))

	scheme, _, _ := strings.Cut(base, "://")
	visitor := signUp(t, person.New(base, "visitor", d.browser()))
	l.signsIn(t, visitor, scheme == "https")
	l.streams(t, visitor)
	for _, host := range []string{"nobody.localhost", "127.0.0.1"} {
		response, err := someone.Get("http://" + host + "/")
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, http.StatusNotFound, response.StatusCode, "no way in by the name %s", host)
	}
}

// signsIn wants a session from the pages of the host alone, in a cookie that
// leaves TLS only where there is none.
func (l *life) signsIn(t *testing.T, g guest, secure bool) {
	t.Helper()
	account := fmt.Sprintf(`{"email":%q,"password":%q}`, g.Email, g.Password)
	ask := func(origin string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.Base+"/api/auth/sign-in/email", strings.NewReader(account))
		require.NoError(t, err)
		request.Header.Set("Origin", origin)
		request.Header.Set("Content-Type", "application/json")
		response, err := g.HTTP.Do(request)
		require.NoError(t, err)
		response.Body.Close()
		return response
	}
	assert.Equal(t, http.StatusForbidden, ask("https://elsewhere.example").StatusCode, "the page of another origin")
	given := ask(g.Base)
	require.Equal(t, http.StatusOK, given.StatusCode)
	require.NotEmpty(t, given.Cookies())
	for _, cookie := range given.Cookies() {
		assert.Equal(t, secure, cookie.Secure, cookie.Name)
		assert.True(t, cookie.HttpOnly, cookie.Name)
	}
	require.NoError(t, g.TakeToken(t.Context()))
	g.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{"title": "by " + g.Base})
	assert.Contains(t, g.must(t, http.StatusOK, http.MethodGet, "tasks", nil), "by "+g.Base)
}

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return content
}

func TestTheControllersManifestNamesTheImageThatTheRecipeStandsInFor(t *testing.T) {
	assert.Equal(t, 1, strings.Count(string(testdata(t, "traefik.yaml")), "image: "+airgap.TraefikRef+"\n"))
	assert.NotEmpty(t, objects(t, testdata(t, "gateway.yaml")))
}
