{{/* Over TCP, as clients come; the port is in the environment (PGPORT). */}}
{{- define "postgresql.ready" -}}
["pg_isready", "-q", "-h", "127.0.0.1", "-U", {{ .Values.global.database.user | quote }}, "-d", {{ .Values.global.database.name | quote }}]
{{- end }}
