{{/* A probe in Slipway's words, as Kubernetes writes it. Takes a list: the root context, then the probe. */}}
{{- define "workload.probe" -}}
{{- $root := index . 0 -}}
{{- $probe := index . 1 -}}
{{- if $probe.http }}
httpGet:
  path: {{ $probe.http.path | quote }}
  port: {{ int $probe.http.port }}
{{- else if $probe.tcp }}
tcpSocket:
  port: {{ int $probe.tcp.port }}
{{- else if $probe.exec }}
exec:
  command:
    {{- toYaml $probe.exec.command | nindent 4 }}
{{- else if $probe.grpc }}
{{- if semverCompare "<1.24.0-0" $root.Capabilities.KubeVersion.Version }}
{{- fail (printf "a grpc probe needs Kubernetes 1.24 or newer; this cluster is %s: use tcp or exec" $root.Capabilities.KubeVersion.Version) }}
{{- end }}
grpc:
  port: {{ int $probe.grpc.port }}
{{- end }}
initialDelaySeconds: {{ int $probe.initialDelay }}
periodSeconds: {{ int $probe.period }}
timeoutSeconds: {{ int $probe.timeout }}
failureThreshold: {{ int $probe.failures }}
{{- end }}
