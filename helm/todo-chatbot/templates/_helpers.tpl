{{/*
Prefix of all resource names. The name of a Service begins with a letter, has no dots
and at most 63 characters, of which a StatefulSet needs 11 for the revision label of its
pods. Therefore the release name is truncated to 40 characters.
*/}}
{{- define "todo-chatbot.release" -}}
{{- if not (regexMatch "^[a-z]" .Release.Name) }}
{{- fail (printf "release %q: choose a name that begins with a letter, because names of Services must" .Release.Name) }}
{{- end }}
{{- .Release.Name | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* Name of a component's resources; called from the component's chart. */}}
{{- define "todo-chatbot.fullname" -}}
{{- include "todo-chatbot.release" . }}-{{ .Chart.Name -}}
{{- end }}

{{/* Labels that never change; selectors use only these. */}}
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

{{/* Labels and annotations of a component's pods. */}}
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
Reference of an image. A digest has precedence over a tag, because only a digest
identifies the content. Without both, the tag is the chart's application version.
*/}}
{{- define "todo-chatbot.image" -}}
{{- include "todo-chatbot.imageReference" (dict "root" . "image" .Values.image "of" .Chart.Name) -}}
{{- end }}

{{- define "todo-chatbot.imageReference" -}}
{{- with .image.registry | default .root.Values.global.imageRegistry -}}{{ . }}/{{- end -}}
{{- required (printf "%s.image.repository is empty: set it to the repository of the image" .of) .image.repository -}}
{{- if .image.digest -}}@{{ .image.digest }}{{- else -}}:{{ .image.tag | default .root.Chart.AppVersion }}{{- end -}}
{{- end }}

{{/*
The image of a container, which the container reports in its answers. Checks of a release
use it to tell the answers of new pods from those of old pods.
*/}}
{{- define "todo-chatbot.imageEnv" -}}
- name: IMAGE_DIGEST
  value: {{ .image.digest | default .image.tag | default .root.Chart.AppVersion | quote }}
{{- end }}

{{/*
Security context of a pod, for the Pod Security Standard "restricted". OnRootMismatch
keeps the permissions of a volume that the group already owns, because PostgreSQL
refuses a data directory with wider permissions.
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

{{/* Mounts of frontend and backend: /tmp, the certificate authority, and additional volumes. */}}
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
Additional environment variables. Values of secrets and URLs with a password are refused,
because the release record and the pod's manifest would contain them.
*/}}
{{- define "todo-chatbot.extraEnv" -}}
{{- range .Values.extraEnv }}
{{- $value := get . "value" | toString }}
{{- if and $value (or (regexMatch "(?i)(PASSWORD|SECRET|TOKEN|API_KEY|PRIVATE_KEY)$" .name) (regexMatch "://[^/\\s:@]+:[^/\\s@]+@" $value)) }}
{{- fail (printf "%s.extraEnv: the value of %s would be readable in the release; put it into a Secret and name the Secret in valueFrom.secretKeyRef" $.Chart.Name .name) }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{- toYaml . }}
{{- end }}
{{- end }}
