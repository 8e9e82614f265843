{{/*
Values as the chart works with them: those of values.yaml, and over them what stands under the keys
of Jaeger's chart 3.x. Everything else in this chart reads them from "spaniel.state".
*/}}

{{/* Lays the second map over the first, in depth. Unlike mergeOverwrite it keeps false, 0 and "". */}}
{{- define "spaniel.overlay" -}}
{{- $under := index . 0 -}}
{{- range $key, $value := index . 1 -}}
{{- if and (kindIs "map" $value) (kindIs "map" (index $under $key)) -}}
{{- include "spaniel.overlay" (list (index $under $key) $value) -}}
{{- else -}}
{{- $_ := set $under $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Keys of Jaeger's `collector` that mean here what they mean there. */}}
{{- define "spaniel.jaegerSame" -}}
replicaCount autoscaling extraEnv envFrom dnsPolicy ingress resources nodeSelector tolerations affinity priorityClassName topologySpreadConstraints podAnnotations podLabels annotations podSecurityContext securityContext serviceAccount extraSecretMounts extraConfigmapMounts initContainers serviceMonitor samplingConfig
{{- end -}}

{{/* Those that are spelt otherwise here, or are within another key. */}}
{{- define "spaniel.jaegerElsewhere" -}}
cmdlineParams image service networkPolicy fullnameOverride
{{- end -}}

{{- define "spaniel.values" -}}
{{- $v := .Values | toJson | fromJson -}}
{{- $jaeger := $v.collector | default dict -}}
{{- $over := dict -}}
{{- range $key := splitList " " (include "spaniel.jaegerSame" .) -}}
{{- if hasKey $jaeger $key -}}{{- $_ := set $over $key (index $jaeger $key) -}}{{- end -}}
{{- end -}}
{{- include "spaniel.overlay" (list $v $over) -}}
{{- include "spaniel.jaegerImage" (list $v ($jaeger.image | default dict)) -}}
{{- include "spaniel.jaegerService" (list $v ($jaeger.service | default dict)) -}}
{{- include "spaniel.jaegerNetworkPolicy" (list $v ($jaeger.networkPolicy | default dict)) -}}
{{- with $jaeger.fullnameOverride -}}{{- $_ := set $v.services.jaegerCollector "name" . -}}{{- end -}}
{{- toJson $v -}}
{{- end -}}

{{/* Jaeger's own image runs Jaeger: of such only the manner of pulling is taken. */}}
{{- define "spaniel.jaegerImage" -}}
{{- $v := index . 0 -}}{{- $image := index . 1 -}}
{{- $theirs := contains "jaegertracing" (printf "%v/%v" $image.registry $image.repository) -}}
{{- $keys := list "pullPolicy" "pullSecrets" -}}
{{- if and $image.repository (not $theirs) -}}{{- $keys = concat $keys (list "registry" "repository" "tag" "digest") -}}{{- end -}}
{{- range $key := $keys -}}
{{- if hasKey $image $key -}}{{- $_ := set $v.image $key (index $image $key) -}}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "spaniel.jaegerService" -}}
{{- $v := index . 0 -}}{{- $service := index . 1 -}}
{{- range $key := list "type" "clusterIP" "annotations" "loadBalancerIP" "loadBalancerSourceRanges" -}}
{{- if hasKey $service $key -}}{{- $_ := set $v.service $key (index $service $key) -}}{{- end -}}
{{- end -}}
{{- $otlp := $service.otlp | default dict -}}
{{- $theirs := dict "jaegerGrpc" $service.grpc "jaegerHttp" $service.http "zipkin" $service.zipkin "otlpGrpc" $otlp.grpc "otlpHttp" $otlp.http -}}
{{- range $name, $port := $theirs -}}
{{- range $key := list "port" "nodePort" -}}
{{- if index ($port | default dict) $key -}}{{- $_ := set (index $v.ports $name) $key (index $port $key) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* There both the top's and the collector's `enabled` are needed. */}}
{{- define "spaniel.jaegerNetworkPolicy" -}}
{{- $v := index . 0 -}}{{- $policy := index . 1 -}}
{{- $ours := $v.networkPolicy -}}
{{- if $policy -}}
{{- $_ := set $ours "enabled" (and $ours.enabled $policy.enabled) -}}
{{- $from := dict -}}
{{- $ingress := $policy.ingressRules | default dict -}}
{{- range $key := list "namespaceSelector" "podSelector" -}}
{{- with index $ingress $key -}}{{- $_ := set $from $key (dict "matchLabels" .) -}}{{- end -}}
{{- end -}}
{{- if $from -}}{{- $_ := set $ours "allowFrom" (append $ours.allowFrom $from) -}}{{- end -}}
{{- $_ := set $ours "extraIngress" (concat $ours.extraIngress ($ingress.customRules | default list)) -}}
{{- $egress := $policy.egressRules | default dict -}}
{{- $rules := $egress.customRules | default list -}}
{{- $to := dict -}}
{{- range $key := list "namespaceSelector" "podSelector" -}}
{{- with index $egress $key -}}{{- $_ := set $to $key (dict "matchLabels" .) -}}{{- end -}}
{{- end -}}
{{- if $to -}}{{- $rules = append $rules (dict "to" (list $to)) -}}{{- end -}}
{{- if $rules -}}
{{- $_ := set $ours.egress "enabled" true -}}
{{- $_ := set $ours.egress "extraEgress" (concat $ours.egress.extraEgress $rules) -}}
{{- end -}}
{{- end -}}
{{- end -}}
