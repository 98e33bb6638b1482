{{/* What a Job and the Jobs of a CronJob have in common. */}}
{{- define "job.spec" -}}
backoffLimit: {{ int .Values.maxRestarts }}
activeDeadlineSeconds: {{ int .Values.maxDuration }}
template:
  metadata:
    labels:
      {{- include "workload.podLabels" . | trim | nindent 6 }}
      {{- with .Values.run }}
      slipway.dev/run: {{ . | quote }}
      {{- end }}
  spec:
    restartPolicy: Never
    {{- include "workload.podBasics" . | trim | nindent 4 }}
    containers:
      - name: {{ .Release.Name | quote }}
        {{- include "workload.containerBasics" . | trim | nindent 8 }}
        {{- include "workload.process" . | trim | nindent 8 }}
        {{- if not .Values.schedule }}
        # The kubelet makes this file, and hands what the job wrote there to whoever may read the pod.
        terminationMessagePath: /slipway-output/output.json
        terminationMessagePolicy: File
        {{- end }}
    {{- with .Values.files }}
    volumes:
      {{- include "workload.fileVolumes" $ | trim | nindent 6 }}
    {{- end }}
{{- end }}
