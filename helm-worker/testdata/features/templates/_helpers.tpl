{{- define "features.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ .Values.global.registry }}/{{ .Values.image.repository }}:{{ $tag }}
{{- end -}}
{{- define "features.resources" -}}
{{ toYaml .Values.overrides.resources }}
{{- end -}}
