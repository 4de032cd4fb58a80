package render_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// CPU that the control plane and the registry leave on a node with 2 CPUs.
const freeMilliCPU = 2000 - 950

// demand returns the requests of an environment's pods, and the additional requests
// while an update runs old and new pods together.
func demand(t *testing.T, name string) (cpu, surge int64, memory resource.Quantity) {
	t.Helper()
	for _, p := range deployed(t, name).pods(t) {
		if p.Hook != "" {
			continue // runs before or after the update, so the surge covers it
		}
		for range p.replicas {
			for _, c := range p.Spec.Containers {
				cpu += c.Resources.Requests.Cpu().MilliValue()
				memory.Add(*c.Resources.Limits.Memory())
			}
		}
		if p.Kind == "Deployment" {
			for _, c := range p.Spec.Containers {
				surge += c.Resources.Requests.Cpu().MilliValue()
			}
		}
	}
	return cpu, surge, memory
}

// onOneNode returns the environments of the cluster that the pipeline makes.
func onOneNode(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(environments(t), func(name string) bool {
		return strings.Contains(read(t, valuesDir+"/"+name+".yaml"), "provider: kubecontext")
	})
}

func TestNodeHasRoomForUpdateOfEveryEnvironment(t *testing.T) {
	var cpu, surge int64
	var memory resource.Quantity
	for _, name := range onOneNode(t) {
		needs, more, limits := demand(t, name)
		cpu, surge = cpu+needs, max(surge, more)
		memory.Add(limits)
	}
	t.Logf("requests of %dm CPU and %dm more in an update; limits of %s memory", cpu, surge, &memory)
	assert.LessOrEqual(t, cpu+surge, int64(freeMilliCPU), "an update would never be scheduled")
	assert.Negative(t, memory.Cmp(resource.MustParse("4Gi")), "above the specified limit")
	for _, name := range onOneNode(t) {
		for _, p := range deployed(t, name).pods(t) {
			if p.Hook != "" {
				request := p.Spec.Containers[0].Resources.Requests.Cpu().MilliValue()
				assert.LessOrEqual(t, request, freeMilliCPU-cpu, "%s does not fit on the node", p.Manifest.Name)
			}
		}
	}
}

func TestUpdateKeepsPodUntilNewPodIsReady(t *testing.T) {
	for _, name := range environments(t) {
		r := deployed(t, name)
		for _, component := range []string{"todo-frontend", "todo-backend"} {
			d := get[appsv1.Deployment](t, r, "Deployment", component)
			assert.Equal(t, 0, d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue(), component)
			assert.Positive(t, d.Spec.Strategy.RollingUpdate.MaxSurge.IntValue(), component)
			c := d.Spec.Template.Spec.Containers[0]
			assert.NotNil(t, c.ReadinessProbe, component)
			require.NotNil(t, c.Lifecycle, component)
			serving := 3
			if component == "todo-frontend" {
				assert.Equal(t, "3", variable(gatewayOf(t, r), "GATEWAY_DRAIN_SECONDS"), "the gateway's image has no sleep command")
				serving++ // longer than the gateway, which forwards to it
			}
			assert.Equal(t, []string{"sleep", strconv.Itoa(serving)}, c.Lifecycle.PreStop.Exec.Command, "it serves until its endpoint is removed")
		}
	}
}

func seconds(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func TestGracePeriodCoversShutdown(t *testing.T) {
	for _, name := range environments(t) {
		r := deployed(t, name)
		config := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-backend").Data
		answer, shutdown := seconds(t, config["CHAT_TIMEOUT_SECONDS"]), seconds(t, config["SHUTDOWN_SECONDS"])
		assert.GreaterOrEqual(t, shutdown, answer, "a running answer would be cut off")
		backend := get[appsv1.Deployment](t, r, "Deployment", "todo-backend").Spec.Template.Spec
		assert.GreaterOrEqual(t, int(*backend.TerminationGracePeriodSeconds), 3+shutdown+5)
		// The frontend forwards requests that the backend answers.
		frontend := get[appsv1.Deployment](t, r, "Deployment", "todo-frontend").Spec.Template.Spec
		assert.GreaterOrEqual(t, int(*frontend.TerminationGracePeriodSeconds), 3+answer+5)
	}
}

func TestShutdownTimeFollowsGracePeriod(t *testing.T) {
	for values, want := range map[string]string{
		"": "62",
		"backend: {preStopSeconds: 15, terminationGracePeriodSeconds: 120}": "100",
		"backend: {terminationGracePeriodSeconds: 900}":                     "300", // the backend's maximum
	} {
		assert.Equal(t, want, get[corev1.ConfigMap](t, render(t, values), "ConfigMap", "todo-backend").Data["SHUTDOWN_SECONDS"], values)
	}
}

func TestInitContainersEndBeforeProgressDeadline(t *testing.T) {
	for _, name := range environments(t) {
		r := deployed(t, name)
		for _, p := range r.pods(t) {
			for _, c := range p.Spec.InitContainers {
				require.Equal(t, "timeout", c.Command[0], "%s of %s", c.Name, p.Manifest.Name)
				bound := seconds(t, c.Command[1])
				assert.GreaterOrEqual(t, bound, 60+60, "the wait for the database, then for the lock")
				d := get[appsv1.Deployment](t, r, p.Kind, p.Manifest.Name)
				assert.Greater(t, int(*d.Spec.ProgressDeadlineSeconds), bound+startup(p.Spec.Containers[0]), p.Manifest.Name)
			}
		}
	}
}

func startup(c corev1.Container) int {
	p := c.StartupProbe
	return int(p.InitialDelaySeconds + p.PeriodSeconds*p.FailureThreshold)
}

func TestProbesUseTheirOwnEndpoints(t *testing.T) {
	for _, name := range environments(t) {
		r := deployed(t, name)
		for component, paths := range map[string]struct{ live, ready string }{
			"todo-frontend": {"/frontend/livez", "/frontend/livez"}, // the gateway asks Next.js, which listens on loopback
			"todo-backend":  {"/livez", "/readyz"},
		} {
			c := get[appsv1.Deployment](t, r, "Deployment", component).Spec.Template.Spec.Containers[0]
			assert.Equal(t, paths.live, c.StartupProbe.HTTPGet.Path)
			assert.Equal(t, paths.live, c.LivenessProbe.HTTPGet.Path, "a restart does not repair another component")
			assert.Equal(t, paths.ready, c.ReadinessProbe.HTTPGet.Path)
			assert.GreaterOrEqual(t, startup(c), 60, "a throttled start")
			assert.LessOrEqual(t, c.StartupProbe.PeriodSeconds, int32(1), "a start ends early")
			patience := time.Duration(c.LivenessProbe.PeriodSeconds*c.LivenessProbe.FailureThreshold) * time.Second
			assert.GreaterOrEqual(t, patience, 15*time.Second, "a short overload must not restart the container")
		}
		backend := get[appsv1.Deployment](t, r, "Deployment", "todo-backend").Spec.Template.Spec.Containers[0]
		assert.Greater(t, backend.ReadinessProbe.TimeoutSeconds, int32(3), "the backend waits 3 seconds for the database")
	}
}

func TestReplicasAreSpreadAndHaveDisruptionBudget(t *testing.T) {
	staging, dev := deployed(t, "staging"), deployed(t, "dev")
	for _, component := range []string{"todo-frontend", "todo-backend"} {
		d := get[appsv1.Deployment](t, staging, "Deployment", component)
		assert.EqualValues(t, 2, *d.Spec.Replicas)
		require.Len(t, d.Spec.Template.Spec.TopologySpreadConstraints, 1)
		spread := d.Spec.Template.Spec.TopologySpreadConstraints[0]
		assert.Equal(t, d.Spec.Selector, spread.LabelSelector)
		assert.Equal(t, corev1.ScheduleAnyway, spread.WhenUnsatisfiable, "two replicas on one node would never be scheduled")
		budget := get[policyv1.PodDisruptionBudget](t, staging, "PodDisruptionBudget", component)
		assert.Equal(t, 1, budget.Spec.MaxUnavailable.IntValue())
		assert.Equal(t, d.Spec.Selector, budget.Spec.Selector)

		assert.False(t, dev.has("PodDisruptionBudget", component), "a drain of the only replica would never end")
		assert.Empty(t, get[appsv1.Deployment](t, dev, "Deployment", component).Spec.Template.Spec.TopologySpreadConstraints)
	}
}

// Some defaults depend on numbers in the application's sources.
func TestChartUsesTheApplicationsNumbers(t *testing.T) {
	settings := read(t, "../../images/backend/app/core/config.py")
	assert.Regexp(t, regexp.MustCompile(`database_wait_seconds: float = Field\(default=60,`), settings)
	assert.Regexp(t, regexp.MustCompile(`shutdown_seconds: int = Field\(default=\d+, ge=1, le=300\)`), settings)
	assert.Regexp(t, regexp.MustCompile(`chat_timeout_seconds: float = Field\(default=60, gt=0, le=600\)`), settings, "the chart's schema ends at 300, as the shutdown does")
	assert.Contains(t, read(t, "../../images/backend/app/core/readiness.py"), "\n_SECONDS = 3\n")
	published := regexp.MustCompile(`(?s)_PUBLISHED = \((.*?)\)`).FindStringSubmatch(settings)
	require.NotNil(t, published)
	words := regexp.MustCompile(`[a-z][a-z-]+`).FindAllString(published[1], -1)
	assert.Contains(t, read(t, chartDir+"/files/preflight.mjs"), "const published = /"+strings.Join(words, "|")+"/i;", "the preflight refuses the secrets that the backend refuses")
	assert.Contains(t, settings, "len(set(secret)) < 10")
	migration := read(t, "../../images/frontend/migrate.ts")
	assert.Contains(t, migration, "databaseWaitMs = 60_000")
	assert.Contains(t, migration, "lockWaitMs = 60_000")
}
