{{/* What the pods cannot start without, and how many bytes it has at least. A key of a model may be missing unless a Secret is named for it. */}}
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

{{/* The volumes that the release will claim; two of one class are proved by one. */}}
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
