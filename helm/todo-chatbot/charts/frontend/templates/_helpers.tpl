{{/* The environment of the server. */}}
{{- define "frontend.environment" -}}
{{- include "frontend.read" (dict "root" . "credentials" (include "todo-chatbot.credentialsEnv" .)) -}}
{{- end }}

{{/* The environment of the migration: the same settings, and the credentials of the tables' owner. */}}
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

{{/* The gateway's environment: where it forwards to, and whom it believes. */}}
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
The address that browsers use, where it is known: the one that is given, else that
of an Ingress with TLS. Its scheme holds without a trusted proxy's word.
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
