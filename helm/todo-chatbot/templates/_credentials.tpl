{{/* Name of the credentials Secret. It uses the complete release name, because names of Secrets may be long. */}}
{{- define "todo-chatbot.credentialsSecret" -}}
{{- .Values.global.credentialsSecret | default (printf "%s-credentials" .Release.Name) -}}
{{- end }}

{{/* Secret of one credential: the configured Secret, or else the credentials Secret. */}}
{{- define "todo-chatbot.secretName" -}}
{{- .secret.name | default (include "todo-chatbot.credentialsSecret" .root) -}}
{{- end }}

{{- define "todo-chatbot.secretKeyRef" -}}
name: {{ include "todo-chatbot.secretName" . }}
key: {{ .secret.key }}
{{- end }}

{{/*
"true" if frontend and backend have separate database roles. The default is a single
role if the user provides the Secret, because the Secret may lack the two passwords
and rendering cannot read it.
*/}}
{{- define "todo-chatbot.separateRoles" -}}
{{- $database := .Values.global.database -}}
{{- $others := or $database.host $database.passwordSecret.name .Values.global.credentialsSecret -}}
{{- if eq ($database.roles | default (ternary "single" "separate" (not (empty $others)))) "separate" -}}true{{- end -}}
{{- end }}

{{/* Database role of a component's server. */}}
{{- define "todo-chatbot.databaseUser" -}}
{{- $database := .root.Values.global.database -}}
{{- if include "todo-chatbot.separateRoles" .root -}}
{{- (index $database .component).user | default (printf "%s_%s" $database.user .component) -}}
{{- else -}}
{{- $database.user -}}
{{- end -}}
{{- end }}

{{/* Secret and key of that role's password. */}}
{{- define "todo-chatbot.databaseSecret" -}}
{{- $database := .root.Values.global.database -}}
{{- if include "todo-chatbot.separateRoles" .root -}}
{{- toYaml (index $database .component).passwordSecret -}}
{{- else -}}
{{- toYaml $database.passwordSecret -}}
{{- end -}}
{{- end }}

{{/*
Environment variables with the credentials of a component's server; called from the
component's chart. DATABASE_USER overrides the ConfigMap, which still names the owner: a
pod of an older revision that restarts during an upgrade uses the owner's password.
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
The same for a component's migration. Only the migration uses the owner's password: it
creates and changes tables, and grants the server's role access to their rows.
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

{{/* Settings of the database, as entries of a ConfigMap. libpq and node-postgres both read PGSSLMODE. */}}
{{- define "todo-chatbot.databaseConfig" -}}
DATABASE_HOST: {{ include "todo-chatbot.databaseHost" . | quote }}
DATABASE_PORT: {{ .Values.global.database.port | quote }}
DATABASE_NAME: {{ .Values.global.database.name | quote }}
DATABASE_USER: {{ .Values.global.database.user | quote }}
{{- with .Values.global.database.sslMode }}
PGSSLMODE: {{ . | quote }}
{{- end }}
{{- end }}
