package chart

import (
	"fmt"
	"slices"
	"strings"
)

// hooks checks that a pre-install hook uses only resources that are pre-install
// hooks too: Helm creates those first and everything else afterwards. Hooks of an
// upgrade can use the resources of the previous revision.
func hooks(in *inspection, say report) {
	for _, w := range in.workloads {
		if !early(w.Hook) {
			continue
		}
		need := func(field, kind, name string) {
			if r, there := in.find(kind, name); there && !early(r.Hook) {
				say(w.resource, field, fmt.Sprintf("%s %q does not exist yet when a pre-install hook runs", kind, name),
					"make it a pre-install hook with a lower weight, or run the hook later")
			}
		}
		if account := w.pod.Spec.ServiceAccountName; account != "" {
			need(w.field("spec.serviceAccountName"), "ServiceAccount", account)
		}
		for _, ref := range w.configMaps() {
			need(ref.field, "ConfigMap", ref.name)
		}
		for i, volume := range w.pod.Spec.Volumes {
			if claim := volume.PersistentVolumeClaim; claim != nil {
				need(w.field("spec.volumes[%d].persistentVolumeClaim.claimName", i), "PersistentVolumeClaim", claim.ClaimName)
			}
		}
	}
}

// early reports whether a hook annotation contains pre-install.
func early(hook string) bool {
	return slices.ContainsFunc(strings.Split(hook, ","), func(time string) bool { return strings.TrimSpace(time) == "pre-install" })
}
