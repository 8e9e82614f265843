{{/* Names, labels, images, and API versions by the cluster's. */}}

{{- define "spaniel.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes in a release: selectors cannot be changed. */}}
{{- define "spaniel.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pods that take spans; the pods of Jobs and tests have another component. */}}
{{- define "spaniel.podSelector" -}}
{{ include "spaniel.selector" . }}
app.kubernetes.io/component: collector
{{- end -}}

{{- define "spaniel.labels" -}}
{{ include "spaniel.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tracing
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The metadata of an object. Takes: top, name, component; perhaps namespace, labels, annotations. */}}
{{- define "spaniel.metadata" -}}
{{- $annotations := dict -}}
{{- range $more := list .top.Values.commonAnnotations .annotations -}}
{{- range $key, $value := $more }}{{ $_ := set $annotations $key $value }}{{ end -}}
{{- end -}}
name: {{ .name }}
namespace: {{ default .top.Release.Namespace .namespace }}
labels:
  {{- include "spaniel.labels" .top | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "spaniel.image" -}}
{{- $image := .v.image -}}
{{- $registry := default $image.registry (.v.global | default dict).imageRegistry -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .top.Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{- define "spaniel.pullSecrets" -}}
{{- with .image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* "true" if the cluster is of this version or newer. Takes: top, from. */}}
{{- define "spaniel.kube" -}}
{{- if semverCompare (printf ">=%s-0" .from) .top.Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end -}}
