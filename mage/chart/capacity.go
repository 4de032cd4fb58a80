package chart

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
)

// Capacity is what a cluster has for releases. The zero value is what the
// specification grants: 2 CPUs and 4 GiB.
type Capacity struct {
	CPU    quantity.Quantity // requests stay under it
	Memory quantity.Quantity // limits stay under it
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

// capacities checks that the release fits into its cluster, also while it is
// updated.
func capacities(in *inspection, say report) {
	d := demandOf(in.workloads)
	for _, m := range measures {
		if m.compare(d.steady.plus(d.extra), amount(in.capacity)) < 0 || len(d.shares) == 0 {
			continue
		}
		most := m.most(d.shares)
		say(most.resource, most.decisive(m), fmt.Sprintf("%s of the release are %s, and %s more while it is updated; they must stay under %s: %s",
			m.name, m.text(d.steady), m.text(d.extra), m.text(amount(in.capacity)), m.breakdown(d.shares)), "lower them, or the replicas")
	}
}

// Fit checks that environments on one cluster fit into it together, also while
// one of them is updated: the pipeline lets no two be at once.
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
		errs = append(errs, fmt.Errorf("%s of all environments on the cluster are %s, and %s more while one is updated; they must stay under %s; lower them, or the replicas:",
			m.name, m.text(steady), m.text(extra), m.text(has)))
		for i, e := range environments {
			errs = append(errs, e.part(m, demands[i]).Err())
		}
	}
	return errors.Join(errs...)
}

// part says what one environment takes, and which value decides the most of it.
func (e Rendered) part(m measure, d demand) Findings {
	if len(d.shares) == 0 {
		return nil
	}
	most := m.most(d.shares)
	return trace(e.Chart, e.Values, e.Options, Findings{{
		Rule: "capacity", File: most.File, Object: most.object(), Key: most.decisive(m),
		Message: fmt.Sprintf("%s takes %s: %s", e.Environment, m.text(d.steady), m.breakdown(d.shares)),
	}})
}

// share is what one workload takes.
type share struct {
	workload
	each, all amount // by one of its pods, and by all
}

// demand is what a release takes of its cluster.
type demand struct {
	shares []share
	steady amount // with every replica there
	extra  amount // on top, at worst, while it is updated: new pods beside old ones, or a hook's pods
}

// demandOf adds up what workloads ask for. Hooks run one after the other, and
// never while pods are replaced.
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

// amount is what the scheduler counts for a pod: its containers together, or an
// init container, where that is more, since it runs before them. Sidecars run
// all along.
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

// surge is how many pods an update adds while old ones are still there.
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

// decisive is the field that most likely is too high: the number of replicas,
// or, of a single one, the container that takes the most.
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

// amount is a request of CPU and a limit of memory.
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

// measure is one of the two things that are added up.
type measure struct {
	name, field string
	of          func(amount) quantity.Quantity
}

var measures = []measure{
	{"requests of cpu", "requests.cpu", func(a amount) quantity.Quantity { return a.CPU }},
	{"limits of memory", "limits.memory", func(a amount) quantity.Quantity { return a.Memory }},
}

func (m measure) text(a amount) string { q := m.of(a); return q.String() }

func (m measure) compare(a, b amount) int { q := m.of(a); return q.Cmp(m.of(b)) }

// most is who takes the most.
func (m measure) most(shares []share) share {
	return slices.MaxFunc(shares, func(a, b share) int { return m.compare(a.all, b.all) })
}

// breakdown lists who takes how much, the most first.
func (m measure) breakdown(shares []share) string {
	shares = slices.Clone(shares)
	slices.SortStableFunc(shares, func(a, b share) int { return m.compare(b.all, a.all) })
	parts := make([]string, len(shares))
	for i, s := range shares {
		parts[i] = fmt.Sprintf("%s %d × %s", s.Name, s.replicas, m.text(s.each))
	}
	return strings.Join(parts, ", ")
}
