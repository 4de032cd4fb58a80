{{/* The environment of both containers: the server and its migration read the same. */}}
{{- define "frontend.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-chatbot.fullname" . }}
env:
  {{- include "todo-chatbot.credentialsEnv" . | nindent 2 }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
