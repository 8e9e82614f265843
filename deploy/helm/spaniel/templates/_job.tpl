{{/* Jobs. A Job cannot be changed: its name follows from its pod, so that another pod is another Job. */}}

{{/* Takes: top, s, component, annotations, job (fields of its spec, text), pod (its template, text). */}}
{{- define "spaniel.job" -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "spaniel.metadata" (dict "top" .top "name" (printf "%s-%s-%s" .s.name .component (sha256sum .pod | trunc 8)) "component" .component "annotations" .annotations) | nindent 2 }}
spec:
  {{- .job | nindent 2 }}
  template:
    {{- .pod | nindent 4 }}
{{- end -}}

{{- define "spaniel.jobMetadata" -}}
{{- $s := index . 1 -}}
metadata:
  labels:
    {{- include "spaniel.labels" (index . 0) | nindent 4 }}
    app.kubernetes.io/component: {{ index . 2 }}
    sidecar.istio.io/inject: "false"
  annotations:
    sidecar.istio.io/inject: "false"
    {{- if and $s.v.seccomp (not (include "spaniel.kube" (dict "top" (index . 0) "from" "1.19"))) }}
    seccomp.security.alpha.kubernetes.io/pod: runtime/default
    {{- end }}
{{- end -}}

{{/* Takes: the context, the state, the claim. */}}
{{- define "spaniel.drainPod" -}}
{{- $s := index . 1 -}}
{{ include "spaniel.jobMetadata" (list (index . 0) $s "drain") }}
spec:
  {{- include "spaniel.podCommon" . | nindent 2 }}
  restartPolicy: Never
  containers:
    - name: drain
      {{- include "spaniel.ours" . | nindent 6 }}
      args:
        - spool
        - drain
        - --config-file=/etc/spaniel/config/spaniel.yaml
      {{- with $s.v.drain.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        {{- include "spaniel.mounts" $s | trim | nindent 8 }}
        - name: spool
          mountPath: /spool
  volumes:
    {{- include "spaniel.volumes" . | trim | nindent 4 }}
    - name: spool
      persistentVolumeClaim:
        claimName: {{ index . 2 }}
{{- end -}}

{{- define "spaniel.loadPod" -}}
{{- $s := index . 1 -}}{{- $of := $s.v.load -}}
{{ include "spaniel.jobMetadata" (list (index . 0) $s "load") }}
spec:
  {{- include "spaniel.podCommon" . | nindent 2 }}
  restartPolicy: Never
  containers:
    - name: load
      image: {{ include "spaniel.image" (dict "top" (index . 0) "v" $s.v) }}
      imagePullPolicy: {{ $s.v.image.pullPolicy }}
      {{- with $s.v.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      args:
        - load
        {{- if not (contains "--to=" (join " " $of.args)) }}
        - --to=http://{{ $s.name }}:{{ int ($s.ports.zipkin | default dict).port }}
        {{- end }}
        {{- range $of.args }}
        - {{ . | quote }}
        {{- end }}
      {{- with $of.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}
