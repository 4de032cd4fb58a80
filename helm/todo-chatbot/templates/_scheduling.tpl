{{/* Scheduling of a component's pods, and the Secrets for pulling images. */}}
{{- define "todo-chatbot.scheduling" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
Spreads replicas. Since Kubernetes 1.27, only pods of the same revision are counted;
otherwise old pods would affect the placement of new ones during an update.
*/}}
{{- define "todo-chatbot.spread" -}}
{{- if and (gt (int .Values.replicas) 1) .Values.topologySpread.keys }}
topologySpreadConstraints:
  {{- range .Values.topologySpread.keys }}
  - topologyKey: {{ . }}
    maxSkew: {{ $.Values.topologySpread.maxSkew }}
    whenUnsatisfiable: {{ $.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "todo-chatbot.selectorLabels" $ | nindent 8 }}
    {{- if semverCompare ">=1.27-0" $.Capabilities.KubeVersion.Version }}
    matchLabelKeys: ["pod-template-hash"]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
Limits evictions by a node drain. A single replica has no budget, because a budget would
block the drain forever.
*/}}
{{- define "todo-chatbot.podDisruptionBudget" -}}
{{- if gt (int .Values.replicas) 1 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "todo-chatbot.fullname" . }}
  labels:
    {{- include "todo-chatbot.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  {{- if semverCompare ">=1.27-0" .Capabilities.KubeVersion.Version }}
  # A pod that is not ready must not block a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  {{- end }}
  selector:
    matchLabels:
      {{- include "todo-chatbot.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}
