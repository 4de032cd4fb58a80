{{/* Environment of the server. */}}
{{- define "frontend.environment" -}}
{{- include "frontend.read" (dict "root" . "credentials" (include "todo-chatbot.credentialsEnv" .)) -}}
{{- end }}

{{/* Environment of the migration: the same settings with the credentials of the owner. */}}
{{- define "frontend.migration" -}}
{{- include "frontend.read" (dict "root" . "credentials" (include "todo-chatbot.migrationEnv" .)) -}}
{{- end }}

{{- define "frontend.read" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-chatbot.fullname" .root }}
env:
  {{- .credentials | nindent 2 }}
  {{- include "todo-chatbot.imageEnv" (dict "root" .root "image" .root.Values.image) | nindent 2 }}
  {{- with include "todo-chatbot.extraEnv" .root }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Environment of the gateway: its upstream servers and trusted proxies. */}}
{{- define "frontend.gatewayEnvironment" -}}
env:
  - name: FRONTEND_URL
    value: http://127.0.0.1:3000
  - name: BACKEND_URL
    value: http://{{ include "todo-chatbot.release" . }}-backend:{{ .Values.global.backendPort }}
  {{- with include "frontend.publicUrl" . }}
  - name: PUBLIC_URL
    value: {{ . | quote }}
  {{- end }}
  {{- with .Values.gateway.trustedProxies }}
  - name: GATEWAY_TRUSTED_PROXIES
    value: {{ join "," . | quote }}
  {{- end }}
  - name: GATEWAY_DRAIN_SECONDS
    value: {{ .Values.preStopSeconds | quote }}
  - name: GATEWAY_SHUTDOWN_SECONDS
    value: {{ max 1 (sub .Values.terminationGracePeriodSeconds (add .Values.preStopSeconds 2)) | quote }}
  {{- include "todo-chatbot.imageEnv" (dict "root" . "image" .Values.gateway.image) | nindent 2 }}
{{- end }}

{{/*
Address in the browser, if it is known: config.publicUrl, or else the host of an Ingress
with TLS. With it the gateway needs no trusted proxy to know the scheme.
*/}}
{{- define "frontend.publicUrl" -}}
{{- with .Values.ingress -}}
{{- if $.Values.config.publicUrl -}}
{{- $.Values.config.publicUrl -}}
{{- else if and .enabled .tlsSecretName (not (hasPrefix "*" .host)) -}}
https://{{ .host }}
{{- end -}}
{{- end -}}
{{- end }}
