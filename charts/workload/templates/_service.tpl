{{/* The transport of a port. Server-side apply of old servers refuses a Service port without one. */}}
{{- define "workload.transport" -}}
{{ if eq . "udp" }}UDP{{ else }}TCP{{ end }}
{{- end }}

{{/* The name of a port: unique, and short enough for Kubernetes. */}}
{{- define "workload.portName" -}}
{{ .protocol }}-{{ int .internal }}
{{- end }}

{{/* Ports of a Service; takes a list of ports. */}}
{{- define "workload.servicePorts" -}}
{{- range . }}
- name: {{ include "workload.portName" . }}
  port: {{ int .external }}
  targetPort: {{ include "workload.portName" . }}
  protocol: {{ include "workload.transport" .protocol }}
{{- end }}
{{- end }}

{{/* Ports of a container. */}}
{{- define "workload.containerPorts" -}}
{{- with .Values.ports }}
ports:
  {{- range . }}
  - name: {{ include "workload.portName" . }}
    containerPort: {{ int .internal }}
    protocol: {{ include "workload.transport" .protocol }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The Service by which the environment reaches the ports, and one each for public TCP and UDP ports. */}}
{{- define "workload.services" -}}
{{- with .Values.ports }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "workload.metadata" (list $ "") | trim | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "workload.selector" $ | trim | nindent 4 }}
  ports:
    {{- include "workload.servicePorts" . | trim | nindent 4 }}
{{- end }}
{{- range $transport := list "TCP" "UDP" }}
{{- $public := list }}
{{- range $.Values.ports }}
{{- if and .public (ne .protocol "http") (eq (include "workload.transport" .protocol) $transport) }}
{{- $public = append $public . }}
{{- end }}
{{- end }}
{{- with $public }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "workload.metadata" (list $ (printf "-public-%s" (lower $transport))) | trim | nindent 2 }}
spec:
  type: LoadBalancer
  selector:
    {{- include "workload.selector" $ | trim | nindent 4 }}
  ports:
    {{- include "workload.servicePorts" . | trim | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
