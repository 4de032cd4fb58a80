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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
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

// Lines of staging's values: the Ingress, and the same with TLS and a Gateway.
const (
	plainIngress      = "  ingress: {enabled: true, host: " + ingressHost + "}\n"
	ingressAndGateway = "  gateway: {trustedProxies: [10.244.0.0/16]}\n" + // the cluster's pods; the controller is one of them
		"  ingress: {enabled: true, host: " + ingressHost + ", tlsSecretName: " + certificateName + "}\n" +
		"  httpRoute: {enabled: true, parentRefs: [{name: traefik, namespace: " + controllersSpace + "}], hostnames: [" + gatewayHost + "]}\n"
)

// ingress installs a controller, uses staging through its plain Ingress, then
// through an Ingress with TLS and a Gateway, and removes them again.
func (f *fixture) ingress(t *testing.T) {
	f.deployStaging(t)
	into := f.manifests(t)
	controller := f.controller(t, into)
	t.Run("plain Ingress", func(t *testing.T) {
		_, port, err := net.SplitHostPort(controller.ports["80"])
		require.NoError(t, err)
		f.worksThrough(t, controller, "http://"+net.JoinHostPort(ingressHost, port)) // the URL of a browser on this machine
	})

	require.NoError(t, f.Edit(stagingValues, plainIngress, ingressAndGateway))
	defer f.restoreIngress(t)
	f.deployStaging(t)
	t.Run("Ingress with TLS", func(t *testing.T) {
		f.worksThrough(t, controller, "https://"+ingressHost)
		controller.redirectsToTLS(t, ingressHost)
	})
	t.Run("Gateway", func(t *testing.T) { f.worksThrough(t, controller, "http://"+gatewayHost) })
	t.Run("Gateway with TLS", func(t *testing.T) { f.worksThrough(t, controller, "https://"+gatewayHost) })
}

func (f *fixture) deployStaging(t *testing.T) {
	t.Helper()
	result, err := f.Mage(context.WithoutCancel(t.Context()), "deploy:staging")
	require.NoError(t, err)
	require.Zero(t, result.Code, result.Stderr)
	require.Equal(t, []string{"passed"}, result.Lines("verdict"))
}

// restoreIngress deploys staging with its plain Ingress again.
func (f *fixture) restoreIngress(t *testing.T) {
	t.Helper()
	require.NoError(t, f.Edit(stagingValues, ingressAndGateway, plainIngress))
	f.deployStaging(t)
	ctx := context.WithoutCancel(t.Context())
	found, err := f.client(t).NetworkingV1().Ingresses(stagingNamespace).Get(ctx, "todo-frontend", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Empty(t, found.Spec.TLS)
	routes := schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	_, err = f.manifests(t).clients.Dynamic.Resource(routes).Namespace(stagingNamespace).Get(ctx, "todo-frontend", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err), "%v", err)
}

// controller installs Traefik until the test ends. It serves Ingresses of class
// nginx and the routes of a Gateway, with a certificate for both host names.
func (f *fixture) controller(t *testing.T, into manifests) endpoint {
	t.Helper()
	text := strings.Replace(string(testdata(t, "traefik.yaml")), airgap.TraefikRef, f.traefik(t), 1)
	certificate, roots := selfSigned(t, ingressHost, gatewayHost)
	for _, text := range [][]byte{f.gatewayAPI(t), []byte(text), testdata(t, "gateway.yaml")} {
		t.Cleanup(func() { into.remove(t, text) })
		into.apply(t, text)
	}
	for _, namespace := range []string{controllersSpace, stagingNamespace} {
		secrets := f.client(t).CoreV1().Secrets(namespace)
		_, err := secrets.Create(t.Context(), certificate.DeepCopy(), metav1.CreateOptions{})
		require.NoError(t, err)
		t.Cleanup(func() {
			assert.NoError(t, secrets.Delete(context.WithoutCancel(t.Context()), certificate.Name, metav1.DeleteOptions{}))
		})
	}
	f.waitForDeployment(t, controllersSpace, "traefik")
	return f.forward(t, roots)
}

// forward opens port-forwards to the controller until the test ends.
func (f *fixture) forward(t *testing.T, roots *x509.CertPool) endpoint {
	t.Helper()
	e := endpoint{roots: roots, ports: map[string]string{}}
	for _, port := range []int{80, 443} {
		to := cluster.ServicePort{Namespace: controllersSpace, Service: "traefik", Port: intstr.FromInt(port)}
		address, stop, err := cluster.Forward(context.WithoutCancel(t.Context()), f.clients(t), to, 0)
		require.NoError(t, err)
		t.Cleanup(stop)
		e.ports[strconv.Itoa(port)] = address
	}
	return e
}

// waitForDeployment waits for an available pod; its failure shows the states of all pods.
func (f *fixture) waitForDeployment(t *testing.T, namespace, name string) {
	t.Helper()
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		deployment, err := f.client(t).AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil || deployment.Status.AvailableReplicas > 0 {
			return err
		}
		pods, err := f.client(t).CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		states := make([]string, len(pods.Items))
		for i, pod := range pods.Items {
			states[i] = fmt.Sprintf("%s: %s %+v", pod.Name, pod.Status.Phase, pod.Status.ContainerStatuses)
		}
		return fmt.Errorf("deployment %s has no available pod: %s", name, strings.Join(states, "; "))
	})
}

// worksThrough uses the application at a URL that the controller serves.
func (f *fixture) worksThrough(t *testing.T, controller endpoint, base string) {
	someone := controller.browser()
	eventually(t, time.Minute, func(context.Context) error { // the controller reads a new Ingress after a moment
		response, err := someone.Get(base + "/livez")
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET /livez: %s", response.Status)
		}
		return nil
	})
	checks := smoke.Checks(base, smoke.Options{HTTP: controller.browser()})
	verdict := smoke.Run(t.Context(), checks, progress.New(t.Output(), progress.Options{}))
	require.True(t, verdict.OK(), verdict.Failed())
	t.Logf("%s: %d checks passed", base, len(verdict.Results))

	scheme, _, _ := strings.Cut(base, "://")
	visitor := signUp(t, person.New(base, "visitor", controller.browser()))
	f.signsIn(t, visitor, scheme == "https")
	f.streams(t, visitor)
	for _, host := range []string{"nobody.localhost", "127.0.0.1"} {
		response, err := someone.Get("http://" + host + "/")
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, http.StatusNotFound, response.StatusCode, "host %s is not served", host)
	}
}

// signsIn requires that the pages of this origin alone can sign in, and that the
// session's cookie is secure with TLS.
func (f *fixture) signsIn(t *testing.T, g guest, secure bool) {
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
	assert.Equal(t, http.StatusForbidden, ask("https://elsewhere.example").StatusCode, "a page of another origin signed in")
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

func TestControllerManifestNamesImageOfRecipe(t *testing.T) {
	assert.Equal(t, 1, strings.Count(string(testdata(t, "traefik.yaml")), "image: "+airgap.TraefikRef+"\n"))
	assert.NotEmpty(t, objects(t, testdata(t, "gateway.yaml")))
}
