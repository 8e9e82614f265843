{{/* The pod, which Deployment and StatefulSet share. */}}

{{- define "spaniel.podTemplate" -}}
{{- $top := index . 0 -}}{{- $s := index . 1 -}}{{- $v := $s.v -}}
metadata:
  labels:
    {{- toYaml (merge (include "spaniel.podLabels" . | fromYaml) (include "spaniel.labels" $top | fromYaml)) | nindent 4 }}
  annotations:
    {{- include "spaniel.podAnnotations" . | nindent 4 }}
spec:
  {{- include "spaniel.podCommon" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ int $s.grace }}
  {{- with $v.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: spaniel
      {{- include "spaniel.container" . | nindent 6 }}
    {{- with $v.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "spaniel.spread" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  volumes:
    {{- include "spaniel.volumes" . | trim | nindent 4 }}
    {{- with include "spaniel.diskVolumes" $s | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with $v.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "spaniel.podLabels" -}}
{{- $s := index . 1 -}}
{{ include "spaniel.podSelector" (index . 0) }}
sidecar.istio.io/inject: {{ $s.v.istio.inject | quote }}
{{- range $key, $value := $s.v.podLabels }}
{{- if not (has $key (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component")) }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Injectors before 1.10 read the annotation, later ones prefer the label. */}}
{{- define "spaniel.podAnnotations" -}}
{{- $top := index . 0 -}}{{- $s := index . 1 -}}
{{- $annotations := dict "sidecar.istio.io/inject" (toString $s.v.istio.inject) -}}
{{- $_ := set $annotations "checksum/config" (toJson $s.config | sha256sum) -}}
{{- if $s.v.istio.inject -}}
{{- /* The sidecar must not go before what is drained has gone through it. */ -}}
{{- $_ := set $annotations "proxy.istio.io/config" (printf "holdApplicationUntilProxyStarts: true\nterminationDrainDuration: %ds" (int $s.needed)) -}}
{{- end -}}
{{- if and $s.v.seccomp (not (include "spaniel.kube" (dict "top" $top "from" "1.19"))) -}}
{{- $_ := set $annotations "seccomp.security.alpha.kubernetes.io/pod" "runtime/default" -}}
{{- end -}}
{{- range $more := list $top.Values.commonAnnotations $s.v.podAnnotations -}}
{{- range $key, $value := $more }}{{ $_ := set $annotations $key (toString $value) }}{{ end -}}
{{- end -}}
{{- toYaml $annotations -}}
{{- end -}}

{{/* What the pods of Jobs and tests share with it. */}}
{{- define "spaniel.podCommon" -}}
{{- $top := index . 0 -}}{{- $s := index . 1 -}}{{- $v := $s.v -}}
serviceAccountName: {{ include "spaniel.serviceAccountName" $s }}
automountServiceAccountToken: {{ $v.serviceAccount.automountServiceAccountToken }}
# A Service named `query` would otherwise set QUERY_PORT, which is a setting.
enableServiceLinks: false
{{- include "spaniel.pullSecrets" $v }}
{{- $context := deepCopy ($v.podSecurityContext | default dict) }}
{{- if and $v.seccomp (include "spaniel.kube" (dict "top" $top "from" "1.19")) (not (hasKey $context "seccompProfile")) }}
{{- $_ := set $context "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- end }}
{{- if and $context.fsGroup (include "spaniel.kube" (dict "top" $top "from" "1.20")) (not (hasKey $context "fsGroupChangePolicy")) }}
{{- $_ := set $context "fsGroupChangePolicy" "OnRootMismatch" }}
{{- end }}
{{- with $context }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
dnsPolicy: {{ $v.dnsPolicy }}
{{- range $key := list "dnsConfig" "hostAliases" "nodeSelector" "tolerations" }}
{{- with index $v $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "spaniel.serviceAccountName" -}}
{{- if .v.serviceAccount.create }}{{ default .name .v.serviceAccount.name }}{{ else }}{{ default "default" .v.serviceAccount.name }}{{ end -}}
{{- end -}}

{{- define "spaniel.container" -}}
{{- $top := index . 0 -}}{{- $s := index . 1 -}}{{- $v := $s.v -}}
{{ include "spaniel.ours" . }}
args:
  - --config-file=/etc/spaniel/config/spaniel.yaml
  {{- range $v.extraArgs }}
  - {{ . | quote }}
  {{- end }}
ports:
  {{- range $name, $port := $s.ports }}
  - name: {{ $port.named }}
    containerPort: {{ int $port.number }}
    protocol: {{ $port.protocol }}
  {{- end }}
{{- include "spaniel.probes" . }}
{{- include "spaniel.lifecycle" . }}
{{- with $v.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "spaniel.mounts" $s | trim | nindent 2 }}
  {{- with include "spaniel.diskMounts" $s | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with $v.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Image, rights and variables: of the collector and of the Jobs that do its work. */}}
{{- define "spaniel.ours" -}}
{{- $s := index . 1 -}}{{- $v := $s.v -}}
image: {{ include "spaniel.image" (dict "top" (index . 0) "v" $v) }}
imagePullPolicy: {{ $v.image.pullPolicy }}
{{- with $v.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "spaniel.environment" $s | fromJson }}
{{- with .env }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with $v.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "spaniel.environment" -}}
{{- $env := list -}}
{{- $es := .v.storage.elasticsearch -}}
{{- if ne .storage "embedded" -}}
{{- if and .secrets.password $es.existingSecretUserKey (not $es.anonymous) -}}
{{- $env = append $env (dict "name" "ES_USERNAME" "valueFrom" (dict "secretKeyRef" (dict "name" .secrets.password.secret "key" $es.existingSecretUserKey))) -}}
{{- end -}}
{{- range $name, $value := $es.env -}}
{{- if kindIs "map" $value -}}{{- $env = append $env (dict "name" $name "valueFrom" $value) -}}
{{- else -}}{{- $env = append $env (dict "name" $name "value" (toString $value)) -}}{{- end -}}
{{- end -}}
{{- $env = concat $env $es.extraEnv -}}
{{- end -}}
{{- dict "env" (concat $env .v.extraEnv) | toJson -}}
{{- end -}}

{{- define "spaniel.probes" -}}
{{- $top := index . 0 -}}{{- $s := index . 1 -}}{{- $v := $s.v -}}
{{- $scheme := ternary "HTTPS" "HTTP" (eq (toString (index $s.config "admin.http.tls.enabled")) "true") -}}
{{- $startup := include "spaniel.kube" (dict "top" $top "from" "1.18") }}
{{- if $startup }}
startupProbe:
  {{- if $v.startupProbe }}
  {{- toYaml $v.startupProbe | nindent 2 }}
  {{- else }}
  httpGet: { path: /version, port: http-admin, scheme: {{ $scheme }} }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 150
  {{- end }}
{{- end }}
livenessProbe:
  {{- if $v.livenessProbe }}
  {{- toYaml $v.livenessProbe | nindent 2 }}
  {{- else }}
  httpGet: { path: /version, port: http-admin, scheme: {{ $scheme }} }
  {{- if not $startup }}
  initialDelaySeconds: 300
  {{- end }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
  {{- end }}
readinessProbe:
  {{- if $v.readinessProbe }}
  {{- toYaml $v.readinessProbe | nindent 2 }}
  {{- else }}
  httpGet: { path: /ready, port: http-admin, scheme: {{ $scheme }} }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
  {{- end }}
{{- end -}}

{{- define "spaniel.lifecycle" -}}
{{- $top := index . 0 -}}{{- $v := (index . 1).v -}}
{{- $sleep := int $v.shutdown.preStopSleepSeconds -}}
{{- if $v.lifecycle }}
lifecycle:
  {{- toYaml $v.lifecycle | nindent 2 }}
{{- else if and (gt $sleep 0) (include "spaniel.kube" (dict "top" $top "from" "1.30")) }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ $sleep }}
{{- end }}
{{- end -}}

{{- define "spaniel.spread" -}}
{{- $top := index . 0 -}}{{- $s := index . 1 -}}{{- $v := $s.v -}}
{{- $default := kindIs "invalid" $v.topologySpreadConstraints -}}
{{- $spread := include "spaniel.kube" (dict "top" $top "from" "1.18") -}}
{{- if $v.affinity }}
affinity:
  {{- toYaml $v.affinity | nindent 2 }}
{{- else if and $default (not $spread) }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- range $weight, $key := dict "100" "failure-domain.beta.kubernetes.io/zone" "50" "kubernetes.io/hostname" }}
      - weight: {{ $weight }}
        podAffinityTerm:
          topologyKey: {{ $key }}
          labelSelector:
            matchLabels:
              {{- include "spaniel.podSelector" $top | nindent 14 }}
      {{- end }}
{{- end }}
{{- if and $default $spread }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "spaniel.podSelector" $top | nindent 8 }}
  {{- end }}
{{- else if and $spread $v.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml $v.topologySpreadConstraints | nindent 2 }}
{{- end }}
{{- end -}}
