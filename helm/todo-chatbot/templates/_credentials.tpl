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

{{/*
"true" where frontend and backend log in as roles of their own. A Secret of the
user's own may have no passwords for them, and rendering cannot look into it.
*/}}
{{- define "todo-chatbot.separateRoles" -}}
{{- $database := .Values.global.database -}}
{{- $others := or $database.host $database.passwordSecret.name .Values.global.credentialsSecret -}}
{{- if eq ($database.roles | default (ternary "single" "separate" (not (empty $others)))) "separate" -}}true{{- end -}}
{{- end }}

{{/* The role that a component's server logs in as. */}}
{{- define "todo-chatbot.databaseUser" -}}
{{- $database := .root.Values.global.database -}}
{{- if include "todo-chatbot.separateRoles" .root -}}
{{- (index $database .component).user | default (printf "%s_%s" $database.user .component) -}}
{{- else -}}
{{- $database.user -}}
{{- end -}}
{{- end }}

{{/* Where its password is, as values have it. */}}
{{- define "todo-chatbot.databaseSecret" -}}
{{- $database := .root.Values.global.database -}}
{{- if include "todo-chatbot.separateRoles" .root -}}
{{- toYaml (index $database .component).passwordSecret -}}
{{- else -}}
{{- toYaml $database.passwordSecret -}}
{{- end -}}
{{- end }}

{{/*
The credentials of a component's server, as container environment; called from the
component's chart. The ConfigMap goes on naming the owner, and this wins over it: a pod of
the release before, which restarts during an upgrade, has the owner's password.
*/}}
{{- define "todo-chatbot.credentialsEnv" -}}
{{- $secret := include "todo-chatbot.databaseSecret" (dict "root" . "component" .Chart.Name) | fromYaml -}}
{{- include "todo-chatbot.secretsEnv" (dict "root" . "database" $secret) }}
{{- if include "todo-chatbot.separateRoles" . }}
- name: DATABASE_USER
  value: {{ include "todo-chatbot.databaseUser" (dict "root" . "component" .Chart.Name) | quote }}
{{- end }}
{{- end }}

{{/*
The same of its migration, which alone has the owner's: it makes and changes the tables,
and gives the server's role their rows. No server's container sees the owner's password.
*/}}
{{- define "todo-chatbot.migrationEnv" -}}
{{- include "todo-chatbot.secretsEnv" (dict "root" . "database" .Values.global.database.passwordSecret) }}
{{- if include "todo-chatbot.separateRoles" . }}
- name: DATABASE_ROLE
  value: {{ include "todo-chatbot.databaseUser" (dict "root" . "component" .Chart.Name) | quote }}
{{- end }}
{{- end }}

{{- define "todo-chatbot.secretsEnv" -}}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      {{- include "todo-chatbot.secretKeyRef" (dict "root" .root "secret" .database) | nindent 6 }}
- name: BETTER_AUTH_SECRET
  valueFrom:
    secretKeyRef:
      {{- include "todo-chatbot.secretKeyRef" (dict "root" .root "secret" .root.Values.global.authSecret) | nindent 6 }}
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
