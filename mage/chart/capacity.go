package chart

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
)

// Capacity is the room that a cluster has for releases. The zero value stands for
// 2 CPUs and 4 GiB, as the specification says.
type Capacity struct {
	CPU    quantity.Quantity // the sum of all requests is below it
	Memory quantity.Quantity // the sum of all limits is below it
}

func (c Capacity) orSpecified() Capacity {
	if c.CPU.IsZero() {
		c.CPU = *quantity.NewQuantity(2, quantity.DecimalSI)
	}
	if c.Memory.IsZero() {
		c.Memory = *quantity.NewQuantity(4<<30, quantity.BinarySI)
	}
	return c
}

// capacities checks that the release fits into its cluster, also during an update.
func capacities(in *inspection, say report) {
	d := demandOf(in.workloads)
	for _, m := range measures {
		if m.compare(d.steady.plus(d.extra), amount(in.capacity)) < 0 || len(d.shares) == 0 {
			continue
		}
		most := m.most(d.shares)
		say(most.resource, most.decisive(m), fmt.Sprintf("the %s of the release are %s, and %s more during an update; the sum must be below %s: %s",
			m.name, m.text(d.steady), m.text(d.extra), m.text(amount(in.capacity)), m.breakdown(d.shares)), "lower them, or use fewer replicas")
	}
}

// Fit checks that the environments of one cluster fit into it together, also
// during an update. The pipeline updates one environment at a time.
func Fit(capacity Capacity, environments ...Rendered) error {
	has := amount(capacity.orSpecified())
	var steady, extra amount
	demands := make([]demand, len(environments))
	for i, e := range environments {
		in, err := inspect(e.Manifests, e.Options)
		if err != nil {
			return err
		}
		demands[i] = demandOf(in.workloads)
		steady, extra = steady.plus(demands[i].steady), extra.most(demands[i].extra)
	}
	var errs []error
	for _, m := range measures {
		if m.compare(steady.plus(extra), has) < 0 {
			continue
		}
		//nolint:staticcheck // the colon ends a line; the environments follow, a line each
		errs = append(errs, fmt.Errorf("the %s of all environments on the cluster are %s, and %s more during an update of one; the sum must be below %s; lower them, or use fewer replicas:",
			m.name, m.text(steady), m.text(extra), m.text(has)))
		for i, e := range environments {
			errs = append(errs, e.part(m, demands[i]).Err())
		}
	}
	return errors.Join(errs...)
}

// part returns the share of one environment, and the value that decides most of it.
func (e Rendered) part(m measure, d demand) Findings {
	if len(d.shares) == 0 {
		return nil
	}
	most := m.most(d.shares)
	return trace(e.Chart, e.Values, e.Options, Findings{{
		Rule: "capacity", File: most.File, Object: most.object(), Key: most.decisive(m),
		Message: fmt.Sprintf("environment %q has %s: %s", e.Environment, m.text(d.steady), m.breakdown(d.shares)),
	}})
}

// share is the part of the capacity that one workload uses.
type share struct {
	workload
	each, all amount // of one pod, and of all pods
}

// demand is the capacity that a release uses.
type demand struct {
	shares []share
	steady amount // with all replicas running
	extra  amount // the maximum on top of steady during an update: surge pods, or the pods of a hook
}

// demandOf adds up the resources of workloads. Hooks run one after another, and
// never while a rollout replaces pods.
func demandOf(workloads []workload) demand {
	var d demand
	var surge, hook amount
	for _, w := range workloads {
		each := w.amount()
		if w.Hook != "" {
			hook = hook.most(each.times(w.replicas))
			continue
		}
		s := share{w, each, each.times(w.replicas)}
		d.shares = append(d.shares, s)
		d.steady = d.steady.plus(s.all)
		surge = surge.plus(each.times(w.surge()))
	}
	d.extra = surge.most(hook)
	return d
}

// amount returns the resources that the scheduler counts for a pod: the sum of its
// containers, or the largest init container if that needs more, because init
// containers run first. A sidecar runs during both phases.
func (w workload) amount() amount {
	var together, first amount
	for _, c := range w.containers() {
		if c.stays() {
			together = together.plus(c.amount())
		} else {
			first = first.most(together.plus(c.amount()))
		}
	}
	return together.most(first)
}

func (c container) amount() amount {
	return amount{*c.Resources.Requests.Cpu(), *c.Resources.Limits.Memory()}
}

// surge returns how many pods an update adds before it ends old ones.
func (w workload) surge() int64 {
	deployment, ok := w.typed.(*appsv1.Deployment)
	if !ok || deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return 0
	}
	if rolling := deployment.Spec.Strategy.RollingUpdate; rolling != nil && rolling.MaxSurge != nil {
		return portion(rolling.MaxSurge, w.replicas)
	}
	return (w.replicas + 3) / 4 // Kubernetes' default, a quarter
}

// decisive returns the field that is probably too high: the number of replicas if
// there are several, else the resources of the largest container.
func (s share) decisive(m measure) string {
	if _, there := lookUp(s.doc, "spec.replicas"); there && s.replicas > 1 {
		return "spec.replicas"
	}
	all := s.containers()
	if len(all) == 0 {
		return s.at
	}
	return slices.MaxFunc(all, func(a, b container) int { return m.compare(a.amount(), b.amount()) }).field + ".resources." + m.field
}

// amount is a CPU request and a memory limit.
type amount Capacity

func (a amount) plus(b amount) amount {
	cpu, memory := a.CPU.DeepCopy(), a.Memory.DeepCopy()
	cpu.Add(b.CPU)
	memory.Add(b.Memory)
	return amount{cpu, memory}
}

func (a amount) times(n int64) amount {
	cpu, memory := a.CPU.DeepCopy(), a.Memory.DeepCopy()
	cpu.Mul(n)
	memory.Mul(n)
	return amount{cpu, memory}
}

func (a amount) most(b amount) amount {
	if a.CPU.Cmp(b.CPU) < 0 {
		a.CPU = b.CPU
	}
	if a.Memory.Cmp(b.Memory) < 0 {
		a.Memory = b.Memory
	}
	return a
}

// measure is a resource that is added up.
type measure struct {
	name, field string
	of          func(amount) quantity.Quantity
}

var measures = []measure{
	{"CPU requests", "requests.cpu", func(a amount) quantity.Quantity { return a.CPU }},
	{"memory limits", "limits.memory", func(a amount) quantity.Quantity { return a.Memory }},
}

func (m measure) text(a amount) string { q := m.of(a); return q.String() }

func (m measure) compare(a, b amount) int { q := m.of(a); return q.Cmp(m.of(b)) }

// most returns the workload that uses the most.
func (m measure) most(shares []share) share {
	return slices.MaxFunc(shares, func(a, b share) int { return m.compare(a.all, b.all) })
}

// breakdown lists the workloads with their amounts, the largest first.
func (m measure) breakdown(shares []share) string {
	shares = slices.Clone(shares)
	slices.SortStableFunc(shares, func(a, b share) int { return m.compare(b.all, a.all) })
	parts := make([]string, len(shares))
	for i, s := range shares {
		parts[i] = fmt.Sprintf("%s %d × %s", s.Name, s.replicas, m.text(s.each))
	}
	return strings.Join(parts, ", ")
}
