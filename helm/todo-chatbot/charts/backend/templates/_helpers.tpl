{{/* The environment of the server. */}}
{{- define "backend.environment" -}}
{{- include "backend.read" (dict "root" . "credentials" (include "todo-chatbot.credentialsEnv" .)) -}}
{{- end }}

{{/* The environment of the migration: the same settings, and the credentials of the tables' owner. */}}
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
What is left of the grace period for running requests: preStop comes before it,
and closing what is open afterwards. The backend takes 300 at most.
*/}}
{{- define "backend.shutdownSeconds" -}}
{{- min 300 (sub .Values.terminationGracePeriodSeconds (add .Values.preStopSeconds 5)) -}}
{{- end }}

{{/* The port of the model's server; that of its scheme where its address names none. */}}
{{- define "backend.modelPort" -}}
{{- $url := urlParse .Values.config.openai.baseUrl -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "80" "443" (eq $url.scheme "http")) -}}
{{- end }}
