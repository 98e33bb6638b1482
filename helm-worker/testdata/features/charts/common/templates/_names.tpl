{{- define "common.fullname" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "common.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}
{{- define "common.resource" -}}
{{- $override := fromYaml (include (index . 1) (index . 0)) | default (dict) -}}
{{- toYaml (mergeOverwrite (dict "limits" (dict "cpu" "1")) $override) -}}
{{- end -}}
