{{/* Where a component's pods may run and whether others make room for them. */}}
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
Replicas apart from each other. During an update only pods of one version are
counted, where Kubernetes can tell them: else old pods would push new ones aside.
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
A drain takes one pod at a time. With one replica it must be free to take that
one, or it would never end.
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
  # A pod that is not ready serves nobody and may not hold a drain up.
  unhealthyPodEvictionPolicy: AlwaysAllow
  {{- end }}
  selector:
    matchLabels:
      {{- include "todo-chatbot.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}
