{{/*
Pod that checks the application through the frontend's Service. "hook" lists the Helm
hooks, and "patience" is the time for retries in seconds.
*/}}
{{- define "todo-chatbot.test" -}}
{{- $frontend := .root.Subcharts.frontend -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "todo-chatbot.release" .root }}-{{ .name }}
  labels:
    # Not the name of a component, so that no Service selects this pod.
    app.kubernetes.io/name: test
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    {{- include "todo-chatbot.metaLabels" .root | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .hook }}
    # Removed after success. After a failure it stays, with its log, until the next run.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-output-log-policy: hook-failed
spec:
  restartPolicy: Never
  activeDeadlineSeconds: {{ add .patience 60 }}
  serviceAccountName: {{ include "todo-chatbot.fullname" $frontend }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "todo-chatbot.podSecurityContext" (dict "uid" 10001) | nindent 4 }}
  {{- with include "todo-chatbot.scheduling" $frontend | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: test
      image: {{ include "todo-chatbot.image" $frontend }}
      imagePullPolicy: {{ $frontend.Values.image.pullPolicy }}
      command: ["node", "--input-type=module", "--eval"]
      args:
        - |
          {{- .root.Files.Get "files/test.mjs" | trim | nindent 10 }}
      env:
        - name: APPLICATION
          value: http://{{ include "todo-chatbot.fullname" $frontend }}:{{ $frontend.Values.service.port }}
        - name: PATIENCE_MS
          value: {{ mul .patience 1000 | quote }}
      resources:
        requests: {cpu: 50m, memory: 64Mi}
        limits: {cpu: 300m, memory: 128Mi}
      securityContext:
        {{- include "todo-chatbot.containerSecurityContext" .root | nindent 8 }}
{{- end }}
