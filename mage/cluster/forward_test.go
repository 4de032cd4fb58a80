package cluster

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// web is the port that the tests forward to.
var web = ServicePort{Namespace: "todo-dev", Service: "web", Port: intstr.FromInt32(80)}

func service(name string, port int32, target int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: port, TargetPort: intstr.FromInt32(target)}}},
	}
}

// serveForward makes the API server forward the connections to a pod to an address
// of this machine, by SPDY, like a kubelet.
func serveForward(t *testing.T, api *kubeAPI, namespace, pod, to string) {
	t.Helper()
	handler := func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
			return
		}
		streams := make(chan httpstream.Stream, 16)
		conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
			streams <- s
			return nil
		})
		if conn == nil {
			return
		}
		defer conn.Close()
		failures := map[string]httpstream.Stream{}
		for {
			select {
			case <-conn.CloseChan():
				return
			case s := <-streams:
				id := s.Headers().Get(corev1.PortForwardRequestIDHeader)
				if s.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
					failures[id] = s
					continue
				}
				go forwardStream(s, failures[id], to)
			}
		}
	}
	api.mu.Lock()
	defer api.mu.Unlock()
	api.special[fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/portforward", namespace, pod)] = handler
}

func forwardStream(data, failures httpstream.Stream, to string) {
	defer failures.Close()
	defer data.Close()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		fmt.Fprintf(failures, "an error occurred forwarding: %v", err)
		return
	}
	defer conn.Close()
	go func() {
		_, _ = io.Copy(conn, data)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(data, conn)
}

func podNamed(name string, uid types.UID) *corev1.Pod {
	pod := readyPod(name, time.Now())
	pod.UID = uid
	return pod
}

func TestForwardFollowsServiceToNewPod(t *testing.T) {
	api := newKubeAPI(t)
	var pods [2]*httptest.Server
	for i := range pods {
		pods[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "pod %d got %d bytes", i+1, len(body))
		}))
		defer pods[i].Close()
		serveForward(t, api, "todo-dev", fmt.Sprintf("web-%d", i+1), pods[i].Listener.Addr().String())
	}
	api.put(t, "/api/v1/namespaces/todo-dev/services/web", service("web", 80, 3000))
	api.put(t, "/api/v1/namespaces/todo-dev/pods/web-1", podNamed("web-1", "1"))

	addr, stop, err := Forward(t.Context(), api.clients(t), web, 0)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(addr, "127.0.0.1:"), addr)
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(bytes int) string {
		resp, err := fresh.Post("http://"+addr, "text/plain", strings.NewReader(strings.Repeat("x", bytes)))
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(body)
	}
	assert.Equal(t, "pod 1 got 3 bytes", ask(3))
	assert.Equal(t, "pod 1 got 5000000 bytes", ask(5_000_000))

	api.remove("/api/v1/namespaces/todo-dev/pods/web-1")
	api.put(t, "/api/v1/namespaces/todo-dev/pods/web-2", podNamed("web-2", "2"))
	assert.Equal(t, "pod 2 got 3 bytes", ask(3))

	stop()
	_, err = net.Dial("tcp", addr)
	assert.Error(t, err, "stopped")
}

func TestForwardClosesFailedConnectionAndRecovers(t *testing.T) {
	api := newKubeAPI(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close()) // refused from now on
	serveForward(t, api, "todo-dev", "web-1", address)
	api.put(t, "/api/v1/namespaces/todo-dev/services/web", service("web", 80, 3000))
	api.put(t, "/api/v1/namespaces/todo-dev/pods/web-1", podNamed("web-1", "1"))
	addr, stop, err := Forward(t.Context(), api.clients(t), web, 0)
	require.NoError(t, err)
	defer stop()

	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = bufio.NewReader(conn).ReadByte()
	require.ErrorIs(t, err, io.EOF)

	back, err := net.Listen("tcp", address)
	require.NoError(t, err)
	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = server.Serve(back) }()
	defer server.Close()
	resp, err := http.Get("http://" + addr)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
}

func TestForwardStopsWithOpenConnections(t *testing.T) {
	api := newKubeAPI(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and sends nothing
	require.NoError(t, err)
	defer l.Close()
	serveForward(t, api, "todo-dev", "web-1", l.Addr().String())
	api.put(t, "/api/v1/namespaces/todo-dev/services/web", service("web", 80, 3000))
	api.put(t, "/api/v1/namespaces/todo-dev/pods/web-1", podNamed("web-1", "1"))
	addr, stop, err := Forward(t.Context(), api.clients(t), web, 0)
	require.NoError(t, err)
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = l.Accept()
	if _, writeErr := conn.Write([]byte("hello")); err == nil {
		require.NoError(t, writeErr)
	}
	ended := make(chan struct{})
	go func() {
		stop()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("stop hangs on an open connection")
	}
}

func TestChooseTargetFindsReadyPodAndPort(t *testing.T) {
	notReady := *podNamed("web-1", "1")
	notReady.Status.Conditions = nil
	named := *podNamed("web-2", "2")
	named.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 3000}}}}
	byName := service("web", 80, 0)
	byName.Spec.Ports[0].TargetPort = intstr.FromString("http")
	unset := service("web", 80, 0)
	unset.Spec.Ports[0].TargetPort = intstr.IntOrString{}
	webByName := service("web", 80, 3000)
	webByName.Spec.Ports[0].Name = "web"
	eighty := intstr.FromInt32(80)
	for name, c := range map[string]struct {
		service *corev1.Service
		pods    []corev1.Pod
		port    intstr.IntOrString
		want    int
		err     string
	}{
		"port of the pod":                 {service("web", 80, 3000), []corev1.Pod{notReady, named}, eighty, 3000, ""},
		"port by name":                    {byName, []corev1.Pod{named}, eighty, 3000, ""},
		"port of the service by its name": {webByName, []corev1.Pod{named}, intstr.FromString("web"), 3000, ""},
		"service port name missing":       {webByName, []corev1.Pod{named}, intstr.FromString("http"), 0, "no port http"},
		"port of the service":             {unset, []corev1.Pod{named}, eighty, 80, ""},
		"pod missing":                     {service("web", 80, 3000), nil, eighty, 0, "has no pod"},
		"pod not ready":                   {service("web", 80, 3000), []corev1.Pod{notReady}, eighty, 0, `pod "web-1" is not ready`},
		"service port number missing":     {service("web", 80, 3000), []corev1.Pod{named}, intstr.FromInt32(81), 0, "no port 81"},
		"container port name missing":     {byName, []corev1.Pod{*podNamed("web-3", "3")}, eighty, 0, `no port named "http"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, port, err := chooseTarget(c.service, c.pods, c.port)
			assert.Equal(t, c.want, port)
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
		})
	}
}
