{{/* The environment of both containers: the server and its migration read the same. */}}
{{- define "frontend.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-chatbot.fullname" . }}
env:
  {{- include "todo-chatbot.credentialsEnv" . | nindent 2 }}
  {{- with include "todo-chatbot.extraEnv" . }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
