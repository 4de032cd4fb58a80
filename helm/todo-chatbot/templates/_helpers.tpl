{{/*
The start of every resource's name. Kubernetes allows 63 characters in a
Service's name and a StatefulSet needs 11 for its pods' revision label, so a
release's name is cut at 40.
*/}}
{{- define "todo-chatbot.release" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The name of a component's resources; called from the component's chart. */}}
{{- define "todo-chatbot.fullname" -}}
{{- include "todo-chatbot.release" . }}-{{ .Chart.Name -}}
{{- end }}

{{/* What never changes over a component's life; selectors and pods carry only this. */}}
{{- define "todo-chatbot.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "todo-chatbot.labels" -}}
{{ include "todo-chatbot.selectorLabels" . }}
app.kubernetes.io/part-of: todo-chatbot
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
An image's reference. A digest wins over a tag, because it alone says what
runs; without either the chart's application version is the tag.
*/}}
{{- define "todo-chatbot.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry | default .Values.global.imageRegistry -}}{{ . }}/{{- end -}}
{{- required (printf "%s.image.repository must be given" .Chart.Name) $image.repository -}}
{{- if $image.digest -}}@{{ $image.digest }}{{- else -}}:{{ $image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end }}

{{- define "todo-chatbot.credentialsSecret" -}}
{{- .Values.global.credentialsSecret | default (printf "%s-credentials" (include "todo-chatbot.release" .)) -}}
{{- end }}

{{- define "todo-chatbot.databaseHost" -}}
{{- .Values.global.database.host | default (printf "%s-postgresql" (include "todo-chatbot.release" .)) -}}
{{- end }}

{{/* Where the database is, as entries of a ConfigMap. */}}
{{- define "todo-chatbot.databaseConfig" -}}
DATABASE_HOST: {{ include "todo-chatbot.databaseHost" . | quote }}
DATABASE_PORT: {{ .Values.global.database.port | quote }}
DATABASE_NAME: {{ .Values.global.database.name | quote }}
DATABASE_USER: {{ .Values.global.database.user | quote }}
{{- end }}

{{/* The credentials that frontend and backend share, as container environment. */}}
{{- define "todo-chatbot.credentialsEnv" -}}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "todo-chatbot.credentialsSecret" . }}
      key: database-password
- name: BETTER_AUTH_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ include "todo-chatbot.credentialsSecret" . }}
      key: auth-secret
{{- end }}

{{/*
What a pod may not do; satisfies the Pod Security Standard "restricted". A volume
that the group owns already is left alone, because PostgreSQL refuses a data
directory whose permissions were widened.
*/}}
{{- define "todo-chatbot.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .uid }}
runAsGroup: {{ .uid }}
fsGroup: {{ .uid }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "todo-chatbot.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: ["ALL"]
{{- end }}

{{/* Where a component's pods may run and whether others make room for them. */}}
{{- define "todo-chatbot.scheduling" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
