package release

import (
	"context"
	"fmt"
	"maps"
	"slices"

	helmrelease "helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

const kindClaim = "PersistentVolumeClaim"

// Helm recognizes the objects of a release by these.
const (
	helmManager                = "Helm"
	releaseNameAnnotation      = "meta.helm.sh/release-name"
	releaseNamespaceAnnotation = "meta.helm.sh/release-namespace"
)

// makeHookClaims makes the volume claims that pre-upgrade hooks mount. The upgrade
// itself makes them only after its hooks, so that a hook would wait for its volume
// until the time bound. Helm adopts the claims because of their labels and
// annotations. If the upgrade fails, the next one finds them.
func (m *Manager) makeHookClaims(ctx context.Context, spec Spec, step *progress.Step) error {
	wanted, err := m.render(ctx, spec, upgrade)
	if err != nil {
		return fmt.Errorf("render release %q: %w", spec.Name, err)
	}
	claims, err := hookClaims(wanted)
	if err != nil {
		return err
	}
	api := m.clients.Clientset.CoreV1().PersistentVolumeClaims(m.namespace)
	for _, claim := range claims {
		_, err := api.Get(ctx, claim.Name, metav1.GetOptions{})
		if err == nil {
			continue
		}
		if apierrors.IsNotFound(err) {
			markOwned(claim, spec)
			_, err = api.Create(ctx, claim, metav1.CreateOptions{})
		}
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create %s for a pre-upgrade hook: %w", kube.Ref(kindClaim, claim.Name), err)
		}
		step.Update("created %s for a hook", kube.Ref(kindClaim, claim.Name))
	}
	return nil
}

// markOwned gives a claim the label and annotations that Helm gives the objects of a
// release.
func markOwned(claim *corev1.PersistentVolumeClaim, spec Spec) {
	labels, annotations := maps.Clone(claim.Labels), maps.Clone(claim.Annotations)
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels[managedByLabel] = helmManager
	annotations[releaseNameAnnotation], annotations[releaseNamespaceAnnotation] = spec.Name, spec.Namespace
	claim.Labels, claim.Annotations = labels, annotations
}

// hookClaims are the claims of a revision that its pre-upgrade hooks mount.
func hookClaims(wanted *helmrelease.Release) ([]*corev1.PersistentVolumeClaim, error) {
	mounted := map[string]bool{}
	for _, hook := range wanted.Hooks {
		if !slices.Contains(hook.Events, helmrelease.HookPreUpgrade) {
			continue
		}
		parsed, err := parseManifest(hook.Manifest)
		if err != nil {
			return nil, err
		}
		for _, object := range parsed.objects {
			for _, volume := range volumesOf(object.Object) {
				if source := volume.PersistentVolumeClaim; source != nil {
					mounted[source.ClaimName] = true
				}
			}
		}
	}
	if len(mounted) == 0 {
		return nil, nil
	}
	own, err := parseManifest(wanted.Manifest)
	if err != nil {
		return nil, err
	}
	var claims []*corev1.PersistentVolumeClaim
	for _, object := range own.objects {
		if object.GetKind() != kindClaim || !mounted[object.GetName()] {
			continue
		}
		claim := &corev1.PersistentVolumeClaim{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, claim); err != nil {
			return nil, fmt.Errorf("parse %s in the manifest of the release: %w", kube.Ref(kindClaim, object.GetName()), err)
		}
		claims = append(claims, claim)
	}
	return claims, nil
}

// volumesOf are the volumes of a Pod, or of the pods that an object makes from a
// template.
func volumesOf(object map[string]any) []corev1.Volume {
	var workload struct {
		Spec struct {
			corev1.PodSpec `json:",inline"`
			Template       corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(object, &workload) != nil {
		return nil // not a workload
	}
	return append(workload.Spec.Volumes, workload.Spec.Template.Spec.Volumes...)
}
