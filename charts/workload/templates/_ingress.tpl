{{/* The Secret with the certificate of a host; what removes it when the service is deleted knows this shape. */}}
{{- define "workload.tlsSecret" -}}
{{- printf "%s-tls-%s" (index . 0).Release.Name (sha256sum (index . 1) | trunc 8) }}
{{- end }}

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
  {{- with $.Values.clusterIssuer }}
  annotations:
    cert-manager.io/cluster-issuer: {{ . | quote }}
  {{- end }}
spec:
  {{- with $.Values.ingressClass }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  {{- if $.Values.clusterIssuer }}
  {{- /* A certificate for each host: one whose name does not lead here yet keeps none of the others waiting. */}}
  tls:
    {{- $seen := dict }}
    {{- range . }}
    {{- if not (hasKey $seen .host) }}
    {{- $_ := set $seen .host true }}
    - hosts: [{{ .host | quote }}]
      secretName: {{ include "workload.tlsSecret" (list $ .host) | quote }}
    {{- end }}
    {{- end }}
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
