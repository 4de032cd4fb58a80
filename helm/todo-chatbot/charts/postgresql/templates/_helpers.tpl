{{/* Over TCP, as clients come; the port is in the environment (PGPORT). */}}
{{- define "postgresql.ready" -}}
["pg_isready", "-q", "-h", "127.0.0.1", "-U", {{ .Values.global.database.user | quote }}, "-d", {{ .Values.global.database.name | quote }}]
{{- end }}

{{/* The password as a file, which the server's group may read. */}}
{{- define "postgresql.passwordVolume" -}}
{{- $secret := .Values.global.database.passwordSecret -}}
- name: password
  secret:
    secretName: {{ include "todo-chatbot.secretName" (dict "root" . "secret" $secret) }}
    defaultMode: 0440
    items:
      - key: {{ $secret.key }}
        path: database-password
{{- end }}
