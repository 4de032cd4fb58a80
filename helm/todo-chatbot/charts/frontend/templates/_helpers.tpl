{{/* The environment of both containers: the server and its migration read the same. */}}
{{- define "frontend.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-chatbot.fullname" . }}
env:
  {{- include "todo-chatbot.credentialsEnv" . | nindent 2 }}
  {{- include "todo-chatbot.imageEnv" (dict "root" . "image" .Values.image) | nindent 2 }}
  {{- with include "todo-chatbot.extraEnv" . }}
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
  {{- with .Values.config.publicUrl }}
  - name: PUBLIC_URL
    value: {{ . | quote }}
  {{- end }}
  {{- with .Values.gateway.trustedProxies }}
  - name: GATEWAY_TRUSTED_PROXIES
    value: {{ join "," . | quote }}
  {{- end }}
  - name: GATEWAY_DRAIN_SECONDS
    value: {{ .Values.preStopSeconds | quote }}
  {{- include "todo-chatbot.imageEnv" (dict "root" . "image" .Values.gateway.image) | nindent 2 }}
{{- end }}
