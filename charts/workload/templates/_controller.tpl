{{/* Whether an autoscaler decides how many pods run. */}}
{{- define "workload.autoscaled" -}}
{{- if and (not .Values.stopped) (gt (int .Values.instances.max) (int .Values.instances.min)) }}true{{ end }}
{{- end }}

{{/* The number of pods, unless an autoscaler decides it. */}}
{{- define "workload.replicas" -}}
{{- if .Values.stopped }}
replicas: 0
{{- else if not (include "workload.autoscaled" .) }}
replicas: {{ int .Values.instances.min }}
{{- end }}
{{- end }}

{{/*
How long a pod has to be ready before it counts. Without a readiness probe a container is ready as soon as it is
started, also one that ends in the next moment: the pod before it must not go for that.
*/}}
{{- define "workload.minReady" -}}
{{- if not .Values.probes.readiness }}
minReadySeconds: 3
{{- end }}
{{- end }}

{{/* Selector and pod template of a long-running workload. */}}
{{- define "workload.template" -}}
selector:
  matchLabels:
    {{- include "workload.selector" . | trim | nindent 4 }}
template:
  metadata:
    labels:
      {{- include "workload.podLabels" . | trim | nindent 6 }}
  spec:
    {{- include "workload.podBasics" . | trim | nindent 4 }}
    containers:
      - name: {{ .Release.Name | quote }}
        {{- include "workload.containerBasics" . | trim | nindent 8 }}
        {{- include "workload.process" . | trim | nindent 8 }}
        {{- include "workload.containerPorts" . | trim | nindent 8 }}
        {{- include "workload.drain" . | trim | nindent 8 }}
        {{- with .Values.probes.readiness }}
        readinessProbe:
          {{- include "workload.probe" (list $ .) | trim | nindent 10 }}
        {{- end }}
        {{- with .Values.probes.liveness }}
        livenessProbe:
          {{- include "workload.probe" (list $ .) | trim | nindent 10 }}
        {{- end }}
        {{- with .Values.probes.startup }}
        startupProbe:
          {{- include "workload.probe" (list $ .) | trim | nindent 10 }}
        {{- end }}
    {{- with .Values.files }}
    volumes:
      {{- include "workload.fileVolumes" $ | trim | nindent 6 }}
    {{- end }}
{{- end }}

{{/* A Deployment, for what keeps nothing on disk. */}}
{{- define "workload.deployment" -}}
{{- if not .Values.storage }}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "workload.metadata" (list . "") | trim | nindent 2 }}
spec:
  {{- include "workload.replicas" . | trim | nindent 2 }}
  revisionHistoryLimit: 3
  progressDeadlineSeconds: {{ max 5 (int .Values.progressDeadline) }}
  {{- include "workload.minReady" . | trim | nindent 2 }}
  strategy:
    {{- if eq .Values.rollout "recreate" }}
    type: Recreate
    {{- else }}
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 25%
    {{- end }}
  {{- include "workload.template" . | trim | nindent 2 }}
{{- end }}
{{- end }}

{{/*
A StatefulSet, for what has volumes. Its pods are managed in parallel: in order, a pod that never becomes
ready would keep a rollback from replacing it.
*/}}
{{- define "workload.statefulset" -}}
{{- if .Values.storage }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "workload.metadata" (list . "") | trim | nindent 2 }}
spec:
  {{- include "workload.replicas" . | trim | nindent 2 }}
  revisionHistoryLimit: 3
  serviceName: {{ .Release.Name | quote }}
  podManagementPolicy: Parallel
  {{- include "workload.minReady" . | trim | nindent 2 }}
  updateStrategy:
    type: RollingUpdate
  {{- include "workload.template" . | trim | nindent 2 }}
  volumeClaimTemplates:
    {{- range .Values.storage }}
    {{- include "workload.claim" (list $ .) | trim | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{/* A claim of a StatefulSet. Its labels are the selector's alone: a claim template can't be changed later. */}}
{{- define "workload.claim" -}}
{{- $root := index . 0 -}}
{{- $volume := index . 1 -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: {{ $volume.name | quote }}
    labels:
      {{- include "workload.selector" $root | trim | nindent 6 }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with $root.Values.storageClass }}
    storageClassName: {{ . | quote }}
    {{- end }}
    resources:
      requests:
        storage: {{ $volume.size | quote }}
{{- end }}

{{/*
A pod that goes serves on for a moment: until every proxy and Ingress knows, requests still come. Clusters before 1.30 have no such
sleep, and images need not have a program for one.
*/}}
{{- define "workload.drain" -}}
{{- if and .Values.ports (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ int .Values.drainSeconds }}
{{- end }}
{{- end }}

{{/* Whoever empties a node takes one pod at a time, where there are several. */}}
{{- define "workload.disruptionBudget" -}}
{{- if and (not .Values.stopped) (gt (int .Values.instances.min) 1) }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "workload.metadata" (list . "") | trim | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "workload.selector" . | trim | nindent 6 }}
{{- end }}
{{- end }}

{{/* The autoscaler, when the numbers of instances differ. */}}
{{- define "workload.autoscaler" -}}
{{- if include "workload.autoscaled" . }}
apiVersion: {{ if semverCompare ">=1.23.0-0" .Capabilities.KubeVersion.Version }}autoscaling/v2{{ else }}autoscaling/v2beta2{{ end }}
kind: HorizontalPodAutoscaler
metadata:
  {{- include "workload.metadata" (list . "") | trim | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: {{ if .Values.storage }}StatefulSet{{ else }}Deployment{{ end }}
    name: {{ .Release.Name | quote }}
  minReplicas: {{ int .Values.instances.min }}
  maxReplicas: {{ int .Values.instances.max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ int .Values.autoscaling.cpuUtilization }}
{{- end }}
{{- end }}
