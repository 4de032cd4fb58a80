{{/* The environment of both containers: the server and its migration read the same. */}}
{{- define "backend.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-chatbot.fullname" . }}
env:
  {{- include "todo-chatbot.credentialsEnv" . | nindent 2 }}
  {{- include "todo-chatbot.imageEnv" (dict "root" . "image" .Values.image) | nindent 2 }}
  - name: OPENAI_API_KEY
    valueFrom:
      secretKeyRef:
        {{- include "todo-chatbot.secretKeyRef" (dict "root" . "secret" .Values.config.openai.apiKeySecret) | nindent 8 }}
        {{- if not .Values.config.openai.apiKeySecret.name }}
        optional: true
        {{- end }}
  {{- with include "todo-chatbot.extraEnv" . }}
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
