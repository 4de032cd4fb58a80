package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/registry"
)

const (
	registryName    = "registry"
	registryFolder  = "/var/lib/registry" // in a kind node, /var is a volume that survives a restart
	hostingName     = "local-registry-hosting"
	hostingKey      = "localRegistryHosting.v1"
	hostingHelp     = "https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry"
	registryService = "registry.kube-system.svc.cluster.local:80"
)

// applyRegistry starts the rollout of an image registry that requires the login. It
// has the names and labels of Minikube's addon. It is idempotent.
//
// Unlike the addon, it has no proxy DaemonSet. The registry uses the node's
// network, so that it serves port 5000 of the node without the port mapping of the
// CNI, and can start before the pod network is ready. Its blobs are on the node
// and survive its pod. It runs as root without capabilities, because root owns a
// hostPath folder that the kubelet creates.
func applyRegistry(ctx context.Context, client kubernetes.Interface, image string, login *registry.Login) error {
	force := metav1.ApplyOptions{FieldManager: userAgent, Force: true}
	if _, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Apply(ctx, registryDeployment(image, login), force); err != nil {
		return fmt.Errorf("apply the registry's Deployment: %w", err)
	}
	if _, err := client.CoreV1().Services(metav1.NamespaceSystem).Apply(ctx, registryServiceApply(), force); err != nil {
		return fmt.Errorf("apply the registry's Service: %w", err)
	}
	return nil
}

// registryExists tells whether the registry's Deployment exists.
func registryExists(ctx context.Context, client kubernetes.Interface) bool {
	_, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Get(ctx, registryName, metav1.GetOptions{})
	return err == nil
}

// waitRegistry waits until usable returns nil. Its error also says why the
// registry's pod is not ready.
func waitRegistry(ctx context.Context, client kubernetes.Interface, bound time.Duration, usable func(context.Context) error) error {
	err := poll(bound).Until(ctx, usable)
	if err == nil || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pollTry)
	defer cancel()
	if why := registryPodNotReady(ctx, client); why != "" {
		return fmt.Errorf("wait for the image registry: %s; %w", why, err)
	}
	return fmt.Errorf("wait for the image registry: %w", err)
}

func registryPodNotReady(ctx context.Context, client kubernetes.Interface) string {
	pods, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/minikube-addons=registry"})
	if err != nil {
		return fmt.Sprintf("its pods cannot be listed: %v", err)
	}
	if len(pods.Items) == 0 {
		return "it has no pod"
	}
	for _, pod := range pods.Items {
		if why := podNotReady(&pod, time.Time{}); why != "" {
			return why
		}
	}
	return ""
}

// answers proves that an image registry serves an address.
func answers(ctx context.Context, address string) error {
	_, err := ping(ctx, address)
	return err
}

// ping asks an image registry for /v2/ without a login. The registry must answer
// 200, or 401 where it wants a login; then the challenge has a Scheme.
func ping(ctx context.Context, address string) (*transport.Challenge, error) {
	place, err := registry.Parse(address)
	if err != nil {
		return nil, err
	}
	challenge, err := transport.Ping(ctx, place.Registry, newTransport())
	if err != nil {
		return nil, fmt.Errorf("ask the image registry at %q: %w", address, err)
	}
	return challenge, nil
}

// newTransport returns a transport that closes each connection after its request,
// since the address can belong to a port-forward that ends.
func newTransport() http.RoundTripper {
	plain := http.DefaultTransport.(*http.Transport).Clone()
	plain.DisableKeepAlives = true
	return transport.NewUserAgent(plain, userAgent)
}

// hosting is the content of the ConfigMap of KEP-1755.
type hosting struct {
	Host                     string `json:"host,omitempty"`
	HostFromContainerRuntime string `json:"hostFromContainerRuntime,omitempty"`
	HostFromClusterNetwork   string `json:"hostFromClusterNetwork,omitempty"`
	Help                     string `json:"help,omitempty"`
}

// announceRegistry writes the ConfigMap in which other tools find the registry. It
// does not change a ConfigMap that somebody else wrote.
func announceRegistry(ctx context.Context, client kubernetes.Interface, registry Registry) error {
	text, err := yaml.Marshal(hosting{
		Host:                     registry.Push,
		HostFromContainerRuntime: registry.Pull,
		HostFromClusterNetwork:   registryService,
		Help:                     hostingHelp,
	})
	if err != nil {
		return fmt.Errorf("announce the image registry: %w", err)
	}
	have, err := client.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, hostingName, metav1.GetOptions{})
	if err == nil && have.Data[hostingKey] == string(text) {
		return nil
	}
	apply := coreapply.ConfigMap(hostingName, metav1.NamespacePublic).WithData(map[string]string{hostingKey: string(text)})
	_, err = client.CoreV1().ConfigMaps(metav1.NamespacePublic).Apply(ctx, apply, metav1.ApplyOptions{FieldManager: userAgent})
	if err != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("announce the image registry: %w", err)
	}
	return nil
}

// announcedRegistry reads the ConfigMap of KEP-1755. Without one, the Registry is
// empty.
func announcedRegistry(ctx context.Context, client kubernetes.Interface) (Registry, error) {
	cm, err := client.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, hostingName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Registry{}, nil
	}
	if err != nil {
		return Registry{}, fmt.Errorf("read ConfigMap %q: %w", hostingName, err)
	}
	var h hosting
	if err := yaml.Unmarshal([]byte(cm.Data[hostingKey]), &h); err != nil {
		return Registry{}, fmt.Errorf("read ConfigMap %q, key %q: %w", hostingName, hostingKey, err)
	}
	if h.HostFromContainerRuntime == "" {
		h.HostFromContainerRuntime = h.Host // KEP-1755: the same unless stated
	}
	return Registry{Push: h.Host, Pull: h.HostFromContainerRuntime}, nil
}

func registryLabels() map[string]string {
	return map[string]string{"actual-registry": "true", "kubernetes.io/minikube-addons": "registry"}
}

func registryServiceApply() *coreapply.ServiceApplyConfiguration {
	return coreapply.Service(registryName, metav1.NamespaceSystem).
		WithLabels(map[string]string{"kubernetes.io/minikube-addons": "registry"}).
		WithSpec(coreapply.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(registryLabels()).
			WithPorts(coreapply.ServicePort().WithName("http").WithPort(80).WithTargetPort(intstr.FromInt32(RegistryPort)).WithProtocol(corev1.ProtocolTCP)))
}

func registryDeployment(image string, login *registry.Login) *appsapply.DeploymentApplyConfiguration {
	// Without a login, the registry answers 200 at / and 401 at /v2/.
	probe := func() *coreapply.ProbeApplyConfiguration {
		return coreapply.Probe().WithPeriodSeconds(2).WithTimeoutSeconds(2).
			WithHTTPGet(coreapply.HTTPGetAction().WithPath("/").WithPort(intstr.FromInt32(RegistryPort)))
	}
	container := coreapply.Container().
		WithName(registryName).
		WithImage(image).
		WithImagePullPolicy(corev1.PullIfNotPresent).
		WithPorts(coreapply.ContainerPort().WithName("registry").WithContainerPort(RegistryPort).WithHostPort(RegistryPort).WithProtocol(corev1.ProtocolTCP)).
		WithEnv(
			coreapply.EnvVar().WithName("REGISTRY_HTTP_ADDR").WithValue(fmt.Sprintf(":%d", RegistryPort)),
			coreapply.EnvVar().WithName("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY").WithValue(registryFolder),
			coreapply.EnvVar().WithName("REGISTRY_STORAGE_DELETE_ENABLED").WithValue("true"),
			coreapply.EnvVar().WithName("REGISTRY_AUTH").WithValue("htpasswd"),
			coreapply.EnvVar().WithName("REGISTRY_AUTH_HTPASSWD_REALM").WithValue(userAgent),
			coreapply.EnvVar().WithName("REGISTRY_AUTH_HTPASSWD_PATH").WithValue(htpasswdDir+"/"+htpasswdKey),
			coreapply.EnvVar().WithName("OTEL_TRACES_EXPORTER").WithValue("none"), // otherwise version 3 tries to reach a collector
		).
		WithStartupProbe(probe().WithPeriodSeconds(1).WithFailureThreshold(60)).
		WithReadinessProbe(probe()).
		WithLivenessProbe(probe().WithPeriodSeconds(10).WithTimeoutSeconds(5).WithFailureThreshold(6)).
		WithResources(coreapply.ResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")}).
			WithLimits(corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")})).
		WithSecurityContext(coreapply.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithRunAsUser(0).
			WithCapabilities(coreapply.Capabilities().WithDrop("ALL")).
			WithSeccompProfile(coreapply.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithVolumeMounts(
			coreapply.VolumeMount().WithName("blobs").WithMountPath(registryFolder),
			coreapply.VolumeMount().WithName("login").WithMountPath(htpasswdDir).WithReadOnly(true))
	pod := coreapply.PodSpec().
		WithHostNetwork(true).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false). // the registry would read REGISTRY_PORT of the Service as a setting
		WithPriorityClassName("system-cluster-critical").
		WithTolerations(coreapply.Toleration().WithKey(corev1.TaintNodeNotReady).WithOperator(corev1.TolerationOpExists)).
		WithContainers(container).
		WithVolumes(
			coreapply.Volume().WithName("blobs").
				WithHostPath(coreapply.HostPathVolumeSource().WithPath(registryFolder).WithType(corev1.HostPathDirectoryOrCreate)),
			coreapply.Volume().WithName("login").
				WithSecret(coreapply.SecretVolumeSource().WithSecretName(loginSecret).WithDefaultMode(0o400).
					WithItems(coreapply.KeyToPath().WithKey(htpasswdKey).WithPath(htpasswdKey))))
	return appsapply.Deployment(registryName, metav1.NamespaceSystem).
		WithLabels(registryLabels()).
		WithSpec(appsapply.DeploymentSpec().
			WithReplicas(1).
			WithStrategy(appsapply.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)).
			WithSelector(metaapply.LabelSelector().WithMatchLabels(registryLabels())).
			WithTemplate(coreapply.PodTemplateSpec().WithLabels(registryLabels()).
				WithAnnotations(map[string]string{loginAnnotation: loginChecksum(login)}).WithSpec(pod)))
}
