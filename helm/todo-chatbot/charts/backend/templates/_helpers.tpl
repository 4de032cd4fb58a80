{{/* The environment of both containers: the server and its migration read the same. */}}
{{- define "backend.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-chatbot.fullname" . }}
env:
  {{- include "todo-chatbot.credentialsEnv" . | nindent 2 }}
  - name: OPENAI_API_KEY
    valueFrom:
      secretKeyRef:
        name: {{ include "todo-chatbot.credentialsSecret" . }}
        key: openai-api-key
        optional: true
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
