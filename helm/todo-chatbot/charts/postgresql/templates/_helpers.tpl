{{/* Probes over TCP, as clients connect. The port is in PGPORT. */}}
{{- define "postgresql.ready" -}}
["pg_isready", "-q", "-h", "127.0.0.1", "-U", {{ .Values.global.database.user | quote }}, "-d", {{ .Values.global.database.name | quote }}]
{{- end }}

{{/* The owner's password as a file that the server's group may read. */}}
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

{{/*
The passwords of all roles as files. Those of frontend and backend are optional, so that
the server also starts with a Secret of an earlier release, without the two roles.
*/}}
{{- define "postgresql.passwordsVolume" -}}
{{- if include "todo-chatbot.separateRoles" . -}}
{{- $owner := .Values.global.database.passwordSecret -}}
- name: password
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "todo-chatbot.secretName" (dict "root" . "secret" $owner) }}
          items:
            - key: {{ $owner.key }}
              path: database-password
      {{- range $component := list "frontend" "backend" }}
      {{- $secret := (index $.Values.global.database $component).passwordSecret }}
      - secret:
          name: {{ include "todo-chatbot.secretName" (dict "root" $ "secret" $secret) }}
          optional: true
          items:
            - key: {{ $secret.key }}
              path: {{ $component }}-database-password
      {{- end }}
{{- else -}}
{{- include "postgresql.passwordVolume" . -}}
{{- end -}}
{{- end }}
