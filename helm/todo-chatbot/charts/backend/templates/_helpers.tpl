{{/* Environment of the server. */}}
{{- define "backend.environment" -}}
{{- include "backend.read" (dict "root" . "credentials" (include "todo-chatbot.credentialsEnv" .)) -}}
{{- end }}

{{/* Environment of the migration: the same settings with the credentials of the owner. */}}
{{- define "backend.migration" -}}
{{- include "backend.read" (dict "root" . "credentials" (include "todo-chatbot.migrationEnv" .)) -}}
{{- end }}

{{- define "backend.read" -}}
{{- $key := .root.Values.config.openai.apiKeySecret -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-chatbot.fullname" .root }}
env:
  {{- .credentials | nindent 2 }}
  {{- include "todo-chatbot.imageEnv" (dict "root" .root "image" .root.Values.image) | nindent 2 }}
  - name: OPENAI_API_KEY
    valueFrom:
      secretKeyRef:
        {{- include "todo-chatbot.secretKeyRef" (dict "root" .root "secret" $key) | nindent 8 }}
        {{- if not $key.name }}
        optional: true
        {{- end }}
  {{- with include "todo-chatbot.extraEnv" .root }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}

{{/*
Seconds for running requests in an ending pod: the grace period without preStopSeconds
and without 5 seconds for closing connections. The backend's maximum is 300.
*/}}
{{- define "backend.shutdownSeconds" -}}
{{- min 300 (sub .Values.terminationGracePeriodSeconds (add .Values.preStopSeconds 5)) -}}
{{- end }}

{{/* Port of the model's server; by default the port of the scheme in its address. */}}
{{- define "backend.modelPort" -}}
{{- $url := urlParse .Values.config.openai.baseUrl -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "80" "443" (eq $url.scheme "http")) -}}
{{- end }}
