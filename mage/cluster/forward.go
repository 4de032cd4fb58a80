package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // client-go's dialer still returns this type
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"todo-chatbot/mage/kube"
)

// ServicePort names a port of a service.
type ServicePort struct {
	Namespace, Service string
	Port               intstr.IntOrString // name or number
}

// Forward holds a port-forward from localPort of 127.0.0.1 to a service, until
// stop is called or ctx ends. localPort 0 takes a free port. Each new connection
// goes to a pod that is ready then, so the port-forward outlives the pods; the
// connections of a pod that ends are closed. At least one pod must be ready when
// Forward is called.
func Forward(ctx context.Context, clients *kube.Clients, to ServicePort, localPort int) (addr string, stop func(), err error) {
	life, cancel := context.WithCancel(ctx)
	f := &forwarder{clients: clients, to: to}
	if _, _, err := f.target(life); err != nil {
		cancel()
		return "", nil, fmt.Errorf("forward to service %q: %w", to.Service, err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(localPort)))
	if err != nil {
		cancel()
		return "", nil, fmt.Errorf("forward to service %q: %w", to.Service, err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { f.serve(life, listener) })
	context.AfterFunc(life, func() {
		listener.Close()
		f.drop(nil)
	})
	return listener.Addr().String(), func() {
		cancel()
		serving.Wait()
	}, nil
}

type forwarder struct {
	clients  *kube.Clients
	to       ServicePort
	requests atomic.Int64

	mu   sync.Mutex
	conn httpstream.Connection // to the pod below; nil while there is none
	pod  types.UID
}

func (f *forwarder) serve(ctx context.Context, listener net.Listener) {
	var open sync.WaitGroup
	defer open.Wait()
	for {
		local, err := listener.Accept()
		if err != nil {
			return // only the end of ctx closes the listener
		}
		open.Go(func() {
			cut := context.AfterFunc(ctx, func() { local.Close() })
			defer cut()
			defer local.Close()
			f.carry(ctx, local)
		})
	}
}

// carry copies the bytes of one connection in both directions. An error closes the
// connection, so that its client can retry.
func (f *forwarder) carry(ctx context.Context, local net.Conn) {
	conn, podPort, err := f.connection(ctx)
	if err != nil {
		return
	}
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(podPort))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.FormatInt(f.requests.Add(1), 10))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := conn.CreateStream(headers)
	if err != nil {
		f.drop(conn)
		return
	}
	defer conn.RemoveStreams(failures)
	_ = failures.Close() // this side writes nothing to the error stream
	failed := make(chan bool, 1)
	go func() {
		message, err := io.ReadAll(failures)
		failed <- err != nil || len(message) > 0
	}()
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := conn.CreateStream(headers)
	if err != nil {
		f.drop(conn)
		return
	}
	defer conn.RemoveStreams(data)

	down, up := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(down)
		_, _ = io.Copy(local, data) // ends when either side closes
	}()
	go func() {
		_, err := io.Copy(data, local)
		_ = data.Close() // tells the pod that the client sends no more
		up <- err
	}()
	select {
	case <-down:
	case err := <-up:
		if err == nil {
			<-down // the client sends no more; the answer may still arrive
		}
	}
	_ = data.Reset() // releases the stream in the API server
	if <-failed {
		f.drop(conn) // the pod or its node has ended
	}
}

// connection returns a connection to a pod that is ready now. It uses the open
// connection if that belongs to this pod.
func (f *forwarder) connection(ctx context.Context) (httpstream.Connection, int, error) {
	pod, podPort, err := f.target(ctx)
	if err != nil {
		return nil, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		select {
		case <-f.conn.CloseChan():
			f.conn = nil
		default:
			if f.pod == pod.UID {
				return f.conn, podPort, nil
			}
			f.conn.Close()
			f.conn = nil
		}
	}
	conn, err := f.dial(pod.Name)
	if err != nil {
		return nil, 0, err
	}
	if ctx.Err() != nil { // ctx ended during dial, after drop had run
		conn.Close()
		return nil, 0, ctx.Err()
	}
	f.conn, f.pod = conn, pod.UID
	return conn, podPort, nil
}

// drop closes a connection, and forgets it if it is the current one. nil means the
// current one.
func (f *forwarder) drop(conn httpstream.Connection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if conn == nil {
		conn = f.conn
	}
	if conn == nil {
		return
	}
	conn.Close()
	if f.conn == conn {
		f.conn = nil
	}
}

func (f *forwarder) dial(pod string) (httpstream.Connection, error) {
	transport, upgrader, err := spdy.RoundTripperFor(f.clients.Config)
	if err != nil {
		return nil, fmt.Errorf("forward to pod %q: %w", pod, err)
	}
	url := f.clients.Clientset.CoreV1().RESTClient().Post().Resource("pods").Namespace(f.to.Namespace).Name(pod).SubResource("portforward").URL()
	conn, _, err := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url).Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, fmt.Errorf("forward to pod %q: %w", pod, err)
	}
	return conn, nil
}

// target returns a ready pod of the service and the pod's port.
func (f *forwarder) target(ctx context.Context) (*corev1.Pod, int, error) {
	service, err := f.clients.Clientset.CoreV1().Services(f.to.Namespace).Get(ctx, f.to.Service, metav1.GetOptions{})
	if err != nil {
		return nil, 0, err
	}
	if len(service.Spec.Selector) == 0 {
		return nil, 0, errors.New("the service selects no pods")
	}
	pods, err := f.clients.Clientset.CoreV1().Pods(f.to.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String(),
	})
	if err != nil {
		return nil, 0, err
	}
	return chooseTarget(service, pods.Items, f.to.Port)
}

// chooseTarget returns the first ready pod, and the pod's port for a port of the
// service.
func chooseTarget(service *corev1.Service, pods []corev1.Pod, port intstr.IntOrString) (*corev1.Pod, int, error) {
	var want *intstr.IntOrString
	for _, p := range service.Spec.Ports {
		if port == intstr.FromInt32(p.Port) || port == intstr.FromString(p.Name) {
			want = &p.TargetPort
			if p.TargetPort == (intstr.IntOrString{}) {
				want = &intstr.IntOrString{IntVal: p.Port} // Kubernetes' default: the same port
			}
		}
	}
	if want == nil {
		return nil, 0, fmt.Errorf("the service has no port %s", &port)
	}
	var waiting []string
	for i := range pods {
		pod := &pods[i]
		if why := podNotReady(pod, time.Time{}); why != "" {
			waiting = append(waiting, why)
			continue
		}
		if want.Type == intstr.Int {
			return pod, want.IntValue(), nil
		}
		for _, c := range pod.Spec.Containers {
			for _, p := range c.Ports {
				if p.Name == want.StrVal {
					return pod, int(p.ContainerPort), nil
				}
			}
		}
		waiting = append(waiting, fmt.Sprintf("pod %q has no port named %q", pod.Name, want.StrVal))
	}
	if len(waiting) == 0 {
		return nil, 0, errors.New("the service has no pod")
	}
	return nil, 0, fmt.Errorf("the service has no ready pod: %s", strings.Join(waiting, "; "))
}
