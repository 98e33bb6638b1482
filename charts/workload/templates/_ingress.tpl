{{/* The Ingress of the public http ports, one rule for each host of each. */}}
{{- define "workload.ingress" -}}
{{- $rules := list }}
{{- range $port := .Values.ports }}
{{- if and $port.public (eq $port.protocol "http") }}
{{- range $host := $port.hosts }}
{{- $rules = append $rules (dict "host" $host "path" ($port.path | default "/") "port" (int $port.external)) }}
{{- end }}
{{- end }}
{{- end }}
{{- with $rules }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "workload.metadata" (list $ "") | trim | nindent 2 }}
spec:
  {{- with $.Values.ingressClass }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  rules:
    {{- range . }}
    - host: {{ .host | quote }}
      http:
        paths:
          - path: {{ .path | quote }}
            pathType: Prefix
            backend:
              service:
                name: {{ $.Release.Name | quote }}
                port:
                  number: {{ .port }}
    {{- end }}
{{- end }}
{{- end }}
