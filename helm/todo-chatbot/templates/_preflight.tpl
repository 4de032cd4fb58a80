{{/* Required credentials with their minimum length in bytes. The key of a model is required only if its Secret is configured. */}}
{{- define "todo-chatbot.preflightCredentials" -}}
{{- $password := .Values.global.database.passwordSecret -}}
{{- $auth := .Values.global.authSecret -}}
{{- $model := .Values.backend.config.openai.apiKeySecret -}}
{{- $all := list
  (dict "variable" "DATABASE_PASSWORD" "bytes" 1 "key" $password.key "secret" (include "todo-chatbot.secretName" (dict "root" . "secret" $password)))
  (dict "variable" "BETTER_AUTH_SECRET" "bytes" 32 "key" $auth.key "secret" (include "todo-chatbot.secretName" (dict "root" . "secret" $auth)))
-}}
{{- if include "todo-chatbot.separateRoles" . -}}
{{- range $component := list "frontend" "backend" -}}
{{- $secret := (index $.Values.global.database $component).passwordSecret -}}
{{- $all = append $all (dict "variable" (printf "%s_DATABASE_PASSWORD" (upper $component)) "bytes" 1 "key" $secret.key "secret" (include "todo-chatbot.secretName" (dict "root" $ "secret" $secret))) -}}
{{- end -}}
{{- end -}}
{{- if $model.name -}}
{{- $all = append $all (dict "variable" "OPENAI_API_KEY" "bytes" 1 "key" $model.key "secret" $model.name) -}}
{{- end -}}
{{- toJson $all -}}
{{- end }}

{{/* Volumes to check; one volume is enough for two claims of the same storage class. */}}
{{- define "todo-chatbot.preflightVolumes" -}}
{{- $all := list -}}
{{- if .Values.postgresql.enabled -}}
{{- $data := .Values.postgresql.persistence -}}
{{- $backup := .Values.postgresql.backup -}}
{{- $all = append $all (dict "name" "data" "folder" "/volumes/data" "claim" "postgresql.persistence" "size" $data.size "class" $data.storageClass) -}}
{{- if and $backup.enabled (ne $backup.storageClass $data.storageClass) -}}
{{- $all = append $all (dict "name" "backup" "folder" "/volumes/backup" "claim" "postgresql.backup" "size" $backup.size "class" $backup.storageClass) -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end }}
