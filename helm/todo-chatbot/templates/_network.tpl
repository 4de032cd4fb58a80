{{/* Service of frontend or backend, with a single port. */}}
{{- define "todo-chatbot.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "todo-chatbot.fullname" .root }}
  labels:
    {{- include "todo-chatbot.labels" .root | nindent 4 }}
  {{- with .root.Values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- $service := .root.Values.service }}
  type: {{ $service.type }}
  {{- if and $service.externalTrafficPolicy (ne $service.type "ClusterIP") }}
  externalTrafficPolicy: {{ $service.externalTrafficPolicy }}
  {{- end }}
  {{- if eq $service.type "LoadBalancer" }}
  {{- with $service.loadBalancerClass }}
  loadBalancerClass: {{ . }}
  {{- end }}
  {{- with $service.loadBalancerSourceRanges }}
  loadBalancerSourceRanges:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  selector:
    {{- include "todo-chatbot.selectorLabels" .root | nindent 4 }}
  ports:
    - name: http
      port: {{ .port }}
      targetPort: http
      {{- if and $service.nodePort (ne $service.type "ClusterIP") }}
      nodePort: {{ $service.nodePort }}
      {{- end }}
{{- end }}

{{/* Pods of this release with a name, as a peer of a NetworkPolicy. */}}
{{- define "todo-chatbot.peer" -}}
podSelector:
  matchLabels:
    app.kubernetes.io/name: {{ .name }}
    app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* Egress rule for the database: the PostgreSQL of this chart, or an external database. */}}
{{- define "todo-chatbot.databaseEgress" -}}
- ports:
    - protocol: TCP
      port: {{ .Values.global.database.port }}
  {{- if not .Values.global.database.host }}
  to:
    - {{ include "todo-chatbot.peer" (dict "root" . "name" "postgresql") | indent 6 | trim }}
  {{- else if .Values.global.networkPolicy.database }}
  to:
    {{- toYaml .Values.global.networkPolicy.database | nindent 4 }}
  {{- end }}
{{- end }}
