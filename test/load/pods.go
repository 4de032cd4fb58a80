package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// lookEvery is shorter than the interval of the kubelet's measurements, so that none
// is missed.
const lookEvery = 2 * time.Second

// pods reads the memory and CPU of the release's pods from the kubelet, which needs no
// installation in the cluster. Without a cluster it reads nothing.
type pods struct {
	client             kubernetes.Interface
	namespace, release string
	before             map[string]sample
	most               map[string]Need
}

// sample is a container's CPU time at an instant.
type sample struct {
	at   time.Time
	used float64 // seconds
}

func newPods() (*pods, error) {
	w := &pods{namespace: os.Getenv("TODO_TEST_NAMESPACE"), release: os.Getenv("TODO_TEST_RELEASE"), before: map[string]sample{}, most: map[string]Need{}}
	kubeconfig := os.Getenv("TODO_TEST_KUBECONFIG")
	if kubeconfig == "" {
		return w, nil
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(kubeconfig)},
		&clientcmd.ConfigOverrides{CurrentContext: os.Getenv("TODO_TEST_CONTEXT")}, // the file's current context can be another cluster
	).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read TODO_TEST_KUBECONFIG: %w", err)
	}
	w.client, err = kubernetes.NewForConfig(config)
	return w, err
}

// watch reads until ctx ends and returns the peak need of each pod.
func (w *pods) watch(ctx context.Context) map[string]Need {
	if w.client == nil {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "load: read the need of the pods:", err)
		}
		select {
		case <-ctx.Done():
			return w.most
		case <-tick.C:
		}
	}
}

// summary is the used part of the kubelet's answer.
type summary struct {
	Pods []struct {
		PodRef     struct{ Name, Namespace string }
		Containers []struct {
			Name string
			CPU  struct {
				Time                 time.Time
				UsageCoreNanoSeconds uint64
			}
			Memory struct{ WorkingSetBytes int64 }
		}
	}
}

func (w *pods) look(ctx context.Context) error {
	ours, err := w.client.CoreV1().Pods(w.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=" + w.release})
	if err != nil {
		return fmt.Errorf("list the pods of %s/%s: %w", w.namespace, w.release, err)
	}
	nodes, known := map[string]bool{}, map[string]bool{}
	for _, pod := range ours.Items {
		nodes[pod.Spec.NodeName], known[pod.Name] = true, true
	}
	for node := range nodes {
		text, err := w.client.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes/" + node + "/proxy/stats/summary").DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("read the kubelet's measurements of node %q: %w", node, err)
		}
		var s summary
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("read the kubelet's measurements of node %q: %w", node, err)
		}
		w.take(s, known)
	}
	return nil
}

// take keeps the peak of each pod.
func (w *pods) take(s summary, known map[string]bool) {
	for _, pod := range s.Pods {
		if pod.PodRef.Namespace != w.namespace || !known[pod.PodRef.Name] {
			continue
		}
		var now Need
		for _, c := range pod.Containers {
			now.Memory += c.Memory.WorkingSetBytes
			key := pod.PodRef.Name + "/" + c.Name
			is, was := sample{at: c.CPU.Time, used: float64(c.CPU.UsageCoreNanoSeconds) / 1e9}, w.before[key]
			if was.at.IsZero() || is.at.After(was.at) {
				w.before[key] = is
			}
			if !was.at.IsZero() && is.at.After(was.at) {
				now.CPU += (is.used - was.used) / is.at.Sub(was.at).Seconds()
			}
		}
		most := w.most[pod.PodRef.Name]
		w.most[pod.PodRef.Name] = Need{Memory: max(most.Memory, now.Memory), CPU: max(most.CPU, now.CPU)}
	}
}
