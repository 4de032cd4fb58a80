package chart

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// podChecks returns the checks of the Pod Security Standards. They are made once,
// because that is slow.
var podChecks = sync.OnceValues(func() (policy.Evaluator, error) {
	return policy.NewEvaluator(policy.DefaultChecks(), nil)
})

// podSecurity checks every pod against the Pod Security Standard "restricted", with
// the code that the admission controller uses.
func podSecurity(in *inspection, say report) {
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, w := range in.workloads {
		for _, result := range in.podSecurity.EvaluatePod(level, &w.pod.ObjectMeta, &w.pod.Spec) {
			if result.Allowed {
				continue
			}
			for _, field := range w.named(result.ForbiddenDetail) {
				say(w.resource, field, fmt.Sprintf("Pod Security %q forbids %s: %s", api.LevelRestricted, result.ForbiddenReason, result.ForbiddenDetail), "")
			}
		}
	}
}

// forbidden matches the field in the message of a Pod Security check.
var forbidden = regexp.MustCompile(`\b(securityContext(\.\w+)+|runAsUser|host(Network|PID|IPC|Port))\b`)

// named returns the fields that the message of a Pod Security check is about. The
// message quotes the names of containers and volumes.
func (w workload) named(detail string) []string {
	field := forbidden.FindString(detail)
	switch field {
	case "runAsUser":
		field = "securityContext.runAsUser"
	case "hostPort":
		field = "ports"
	}
	about := func(name string) bool { return strings.Contains(detail, strconv.Quote(name)) }
	var fields []string
	for _, c := range w.containers() {
		if about(c.Name) && field != "" {
			fields = append(fields, c.field+"."+field)
		}
	}
	for i, v := range w.pod.Spec.Volumes {
		if about(v.Name) && field == "" {
			fields = append(fields, w.field("spec.volumes[%d]", i))
		}
	}
	if len(fields) == 0 {
		return []string{strings.TrimSuffix(w.field("spec.%s", field), ".")}
	}
	return fields
}

// readOnly checks that the root file system of every container is read-only.
func readOnly(in *inspection, say report) {
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				say(w.resource, c.field+".securityContext.readOnlyRootFilesystem", "must be true", "mount an emptyDir where the container writes")
			}
		}
	}
}

// accounts checks that a pod has a service account token only if a RoleBinding
// names the account.
func accounts(in *inspection, say report) {
	for _, w := range in.workloads {
		mounts := w.pod.Spec.AutomountServiceAccountToken
		if account, there := in.find("ServiceAccount", w.pod.Spec.ServiceAccountName); there && mounts == nil {
			if a, ok := account.typed.(*corev1.ServiceAccount); ok {
				mounts = a.AutomountServiceAccountToken
			}
		}
		if (mounts == nil || *mounts) && !in.bound(w.pod.Spec.ServiceAccountName) {
			say(w.resource, w.field("spec.automountServiceAccountToken"), "must be false, because no RoleBinding names the account", "")
		}
	}
}

// bound reports whether a RoleBinding of the chart names the account.
func (in *inspection) bound(account string) bool {
	for _, r := range in.resources {
		binding, ok := r.typed.(*rbacv1.RoleBinding)
		if ok && slices.ContainsFunc(binding.Subjects, func(s rbacv1.Subject) bool { return s.Kind == "ServiceAccount" && s.Name == account }) {
			return true
		}
	}
	return false
}

// rights checks that Roles contain no wildcard.
func rights(in *inspection, say report) {
	for _, r := range in.resources {
		role, ok := r.typed.(*rbacv1.Role)
		if !ok {
			continue
		}
		for i, rule := range role.Rules {
			for _, part := range []struct {
				field string
				names []string
			}{{"apiGroups", rule.APIGroups}, {"resources", rule.Resources}, {"verbs", rule.Verbs}} {
				if slices.Contains(part.names, "*") {
					say(r, index("rules", i)+"."+part.field, `contains "*"`, "list what is needed")
				}
			}
		}
	}
}

// images checks that every image reference is fixed: it has a digest, or a tag other
// than "latest".
func images(in *inspection, say report) {
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			const fix = "use a digest or the tag of a version"
			named, err := reference.ParseNormalizedNamed(c.Image)
			if err != nil {
				say(w.resource, c.field+".image", fmt.Sprintf("%q: %v", c.Image, err), fix)
				continue
			}
			if _, pinned := named.(reference.Digested); pinned {
				continue
			}
			if tagged, ok := named.(reference.Tagged); !ok || tagged.Tag() == "latest" {
				say(w.resource, c.field+".image", fmt.Sprintf("%q is not fixed to one version", c.Image), fix)
			}
		}
	}
}
