{{/* The Secret that the pipeline makes; it is named after the whole release, as a Secret's name may be. */}}
{{- define "todo-chatbot.credentialsSecret" -}}
{{- .Values.global.credentialsSecret | default (printf "%s-credentials" .Release.Name) -}}
{{- end }}

{{/* One credential: of the Secret that is named for it, else of the credentials. */}}
{{- define "todo-chatbot.secretName" -}}
{{- .secret.name | default (include "todo-chatbot.credentialsSecret" .root) -}}
{{- end }}

{{- define "todo-chatbot.secretKeyRef" -}}
name: {{ include "todo-chatbot.secretName" . }}
key: {{ .secret.key }}
{{- end }}

{{/* The credentials that frontend and backend share, as container environment. */}}
{{- define "todo-chatbot.credentialsEnv" -}}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      {{- include "todo-chatbot.secretKeyRef" (dict "root" . "secret" .Values.global.database.passwordSecret) | nindent 6 }}
- name: BETTER_AUTH_SECRET
  valueFrom:
    secretKeyRef:
      {{- include "todo-chatbot.secretKeyRef" (dict "root" . "secret" .Values.global.authSecret) | nindent 6 }}
{{- end }}

{{- define "todo-chatbot.databaseHost" -}}
{{- .Values.global.database.host | default (printf "%s-postgresql" (include "todo-chatbot.release" .)) -}}
{{- end }}

{{- define "todo-chatbot.caFolder" -}}
/etc/todo-chatbot/database
{{- end }}

{{/* Where the database is, as entries of a ConfigMap. libpq and node-postgres both read PGSSLMODE. */}}
{{- define "todo-chatbot.databaseConfig" -}}
DATABASE_HOST: {{ include "todo-chatbot.databaseHost" . | quote }}
DATABASE_PORT: {{ .Values.global.database.port | quote }}
DATABASE_NAME: {{ .Values.global.database.name | quote }}
DATABASE_USER: {{ .Values.global.database.user | quote }}
{{- with .Values.global.database.sslMode }}
PGSSLMODE: {{ . | quote }}
{{- end }}
{{- end }}
