{{/* Labels that select the pods of a release. They never change while the release lives. */}}
{{- define "workload.selector" -}}
app.kubernetes.io/name: {{ .Release.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of pods: what stays the same from one deployment to the next, so that none rolls a pod by itself. */}}
{{- define "workload.podLabels" -}}
{{ include "workload.selector" . }}
app.kubernetes.io/component: {{ .Chart.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- with .Values.environment }}
app.kubernetes.io/part-of: {{ . | quote }}
slipway.dev/environment: {{ . | quote }}
{{- end }}
{{- with .Values.project }}
slipway.dev/project: {{ . | quote }}
{{- end }}
slipway.dev/service: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of every other object: the same, and those of the deployment. */}}
{{- define "workload.labels" -}}
{{ include "workload.podLabels" . }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Metadata of an object; takes a list: the root context, then a suffix of the name. */}}
{{- define "workload.metadata" -}}
{{- $root := index . 0 -}}
name: {{ printf "%s%s" $root.Release.Name (index . 1) | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "workload.labels" $root | trim | nindent 2 }}
{{- end }}
