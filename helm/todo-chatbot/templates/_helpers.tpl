{{/*
The start of every resource's name. A Service's name begins with a letter, has no
dots and at most 63 characters, and a StatefulSet needs 11 of them for its pods'
revision label, so a release's name is cut at 40.
*/}}
{{- define "todo-chatbot.release" -}}
{{- if not (regexMatch "^[a-z]" .Release.Name) }}
{{- fail (printf "release %q: choose a name that begins with a letter, as the name of a Service must" .Release.Name) }}
{{- end }}
{{- .Release.Name | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The name of a component's resources; called from the component's chart. */}}
{{- define "todo-chatbot.fullname" -}}
{{- include "todo-chatbot.release" . }}-{{ .Chart.Name -}}
{{- end }}

{{/* What never changes over a component's life; selectors carry only this. */}}
{{- define "todo-chatbot.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "todo-chatbot.labels" -}}
{{ include "todo-chatbot.selectorLabels" . }}
{{ include "todo-chatbot.metaLabels" . }}
{{- end }}

{{- define "todo-chatbot.metaLabels" -}}
app.kubernetes.io/part-of: todo-chatbot
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The labels and annotations of a component's pods. */}}
{{- define "todo-chatbot.podMetadata" -}}
labels:
  {{- include "todo-chatbot.selectorLabels" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ (include (print .Template.BasePath "/configmap.yaml") . | fromYaml).data | toJson | sha256sum }}
  kubectl.kubernetes.io/default-container: {{ .Chart.Name }}
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/*
An image's reference. A digest wins over a tag, because it alone says what
runs; without either the chart's application version is the tag.
*/}}
{{- define "todo-chatbot.image" -}}
{{- include "todo-chatbot.imageReference" (dict "root" . "image" .Values.image "of" .Chart.Name) -}}
{{- end }}

{{- define "todo-chatbot.imageReference" -}}
{{- with .image.registry | default .root.Values.global.imageRegistry -}}{{ . }}/{{- end -}}
{{- required (printf "%s.image.repository must be given" .of) .image.repository -}}
{{- if .image.digest -}}@{{ .image.digest }}{{- else -}}:{{ .image.tag | default .root.Chart.AppVersion }}{{- end -}}
{{- end }}

{{/*
Which image a container runs, for its own answers: whoever checks a release can
then tell a new pod's answer from an old one's.
*/}}
{{- define "todo-chatbot.imageEnv" -}}
- name: IMAGE_DIGEST
  value: {{ .image.digest | default .image.tag | default .root.Chart.AppVersion | quote }}
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

{{/* What frontend and backend mount: a place to write, and what is given. */}}
{{- define "todo-chatbot.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.global.database.caSecret.name }}
- name: database-ca
  mountPath: {{ include "todo-chatbot.caFolder" . }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "todo-chatbot.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.global.database.caSecret }}
{{- if .name }}
- name: database-ca
  secret:
    secretName: {{ .name }}
    items:
      - key: {{ .key }}
        path: ca.crt
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
More environment, as the values give it. What its name calls a secret, or a URL
with a password in it, would stand in the release's record and in the pod's manifest.
*/}}
{{- define "todo-chatbot.extraEnv" -}}
{{- range .Values.extraEnv }}
{{- $value := get . "value" | toString }}
{{- if and $value (or (regexMatch "(?i)(PASSWORD|SECRET|TOKEN|API_KEY|PRIVATE_KEY)$" .name) (regexMatch "://[^/\\s:@]+:[^/\\s@]+@" $value)) }}
{{- fail (printf "%s.extraEnv: the value of %s would be readable in the release; put it into a Secret and name that in valueFrom.secretKeyRef" $.Chart.Name .name) }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{- toYaml . }}
{{- end }}
{{- end }}
