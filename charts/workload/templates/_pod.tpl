{{/* What every pod of Slipway has. */}}
{{- define "workload.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriod }}
{{- with .Values.imagePullSecret }}
imagePullSecrets:
  - name: {{ . | quote }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every container of Slipway has. */}}
{{- define "workload.containerBasics" -}}
image: {{ required "image: the image by digest, host/path@sha256:..., is expected" .Values.image | quote }}
imagePullPolicy: IfNotPresent
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Command, variables and mounted files of application, container and job. */}}
{{- define "workload.process" -}}
{{- with .Values.command }}
command:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.args }}
args:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.variablesSecret }}
envFrom:
  - secretRef:
      name: {{ . | quote }}
{{- end }}
{{- if or .Values.files .Values.storage }}
volumeMounts:
  {{- range $index, $file := .Values.files }}
  - name: {{ include "workload.fileVolume" (list $ $file) }}
    mountPath: {{ $file.mount | quote }}
    subPath: {{ $file.key | quote }}
    readOnly: true
  {{- end }}
  {{- range .Values.storage }}
  - name: {{ .name | quote }}
    mountPath: {{ .mount | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The name of the volume that holds a file: one volume per Secret. */}}
{{- define "workload.fileVolume" -}}
{{- $root := index . 0 -}}
{{- $file := index . 1 -}}
{{- $secret := $file.secret | default $root.Values.variablesSecret -}}
{{- if not $secret }}{{ fail (printf "file %s: no Secret holds it" $file.mount) }}{{ end -}}
files-{{ sha256sum $secret | trunc 8 }}
{{- end }}

{{/* Volumes of the mounted files. */}}
{{- define "workload.fileVolumes" -}}
{{- $seen := dict -}}
{{- range .Values.files }}
{{- $name := include "workload.fileVolume" (list $ .) }}
{{- if not (hasKey $seen $name) }}
{{- $_ := set $seen $name true }}
- name: {{ $name }}
  secret:
    secretName: {{ .secret | default $.Values.variablesSecret | quote }}
    defaultMode: 0444
{{- end }}
{{- end }}
{{- end }}
