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
  {{- with include "todo-chatbot.extraEnv" .root }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
