{{/* Volumes and where they are mounted. */}}

{{- define "spaniel.mounts" -}}
{{- $v := .v -}}
- name: config
  mountPath: /etc/spaniel/config
  readOnly: true
{{- if or .secrets.password .secrets.apiKey .secrets.token }}
- name: elasticsearch
  mountPath: /etc/spaniel/elasticsearch
  readOnly: true
{{- end }}
{{- if .secrets.tls }}
- name: elasticsearch-tls
  mountPath: /etc/spaniel/elasticsearch-tls
  readOnly: true
{{- else if include "spaniel.jaegerTls" . }}
- name: elasticsearch-tls
  mountPath: {{ $v.storage.elasticsearch.tls.mountPath }}
  subPath: {{ $v.storage.elasticsearch.tls.subPath }}
  readOnly: true
{{- end }}
{{- if $v.auth.existingSecret }}
- name: auth
  mountPath: /etc/spaniel/auth
  readOnly: true
{{- end }}
{{- if $v.samplingConfig }}
- name: sampling
  mountPath: /etc/spaniel/sampling
  readOnly: true
{{- end }}
{{- range concat $v.extraSecretMounts $v.extraConfigmapMounts }}
- name: {{ .name }}
  mountPath: {{ .mountPath }}
  {{- with .subPath }}
  subPath: {{ . }}
  {{- end }}
  readOnly: {{ ternary .readOnly true (hasKey . "readOnly") }}
{{- end }}
{{- end -}}

{{- define "spaniel.jaegerTls" -}}
{{- $tls := .v.storage.elasticsearch.tls -}}
{{- if and (ne .storage "embedded") $tls.enabled $tls.secretName }}true{{ end -}}
{{- end -}}

{{- define "spaniel.volumes" -}}
{{- $s := index . 1 -}}{{- $v := $s.v -}}
- name: config
  configMap:
    name: {{ $s.name }}
{{- range $name, $secret := dict "elasticsearch" (coalesce $s.secrets.password $s.secrets.apiKey $s.secrets.token) "elasticsearch-tls" $s.secrets.tls }}
{{- if $secret }}
- name: {{ $name }}
  secret:
    secretName: {{ $secret.secret }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- if and (not $s.secrets.tls) (include "spaniel.jaegerTls" $s) }}
- name: elasticsearch-tls
  secret:
    secretName: {{ $v.storage.elasticsearch.tls.secretName }}
    defaultMode: 0440
{{- end }}
{{- with $v.auth.existingSecret }}
- name: auth
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if $v.samplingConfig }}
- name: sampling
  configMap:
    name: {{ $s.name }}-sampling-strategies
{{- end }}
{{- range $v.extraSecretMounts }}
- name: {{ .name }}
  secret:
    secretName: {{ .secretName }}
    defaultMode: 0440
{{- end }}
{{- range $v.extraConfigmapMounts }}
- name: {{ .name }}
  configMap:
    name: {{ .configMap }}
{{- end }}
{{- end -}}

{{/* Where the process writes: nothing else is writable. */}}
{{- define "spaniel.diskMounts" -}}
{{- if ne .spool "memory" }}
- name: spool
  mountPath: /spool
{{- end }}
{{- if eq .storage "embedded" }}
- name: data
  mountPath: /data
{{- end }}
{{- end -}}

{{/* Those of a Deployment; a StatefulSet has claims instead. */}}
{{- define "spaniel.diskVolumes" -}}
{{- if eq .spool "emptyDir" }}
- name: spool
  emptyDir:
    sizeLimit: {{ .v.spool.size }}
{{- end }}
{{- if and (ne .spool "volume") (eq .storage "embedded") }}
- name: data
  emptyDir:
    sizeLimit: {{ .v.storage.embedded.size }}
{{- end }}
{{- end -}}

{{/* Its labels never change in a release: the API server refuses another claim in a StatefulSet. */}}
{{- define "spaniel.claim" -}}
{{- $spool := (index . 1).v.spool -}}
- metadata:
    name: {{ index . 2 }}
    labels:
      {{- include "spaniel.podSelector" (index . 0) | nindent 6 }}
    {{- with $spool.annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes:
      {{- toYaml $spool.accessModes | nindent 6 }}
    {{- if not (kindIs "invalid" $spool.storageClassName) }}
    storageClassName: {{ $spool.storageClassName | quote }}
    {{- end }}
    resources:
      requests:
        storage: {{ index . 3 }}
{{- end -}}
