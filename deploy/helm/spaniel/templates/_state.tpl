{{/*
Everything that follows from the values, worked out once a template:
  v         the values, with Jaeger's chart's taken in
  name      the chart's full name
  storage   embedded, elasticsearch or opensearch
  spool     emptyDir, volume or memory
  kind      Deployment or StatefulSet
  replicas  how many
  scaled    whether an autoscaler says how many
  ports     the open ports, by name: number (of the container), port and nodePort (of Services), named, protocol, app
  secrets   the Secrets of the connection to Elasticsearch: password, apiKey or token, and tls
  given     the settings that the user wrote, flat
  config    all settings, flat
  grace     seconds from SIGTERM (or the preStop hook) to the kill
Use: {{- $s := include "spaniel.state" . | fromJson }}
*/}}
{{- define "spaniel.state" -}}
{{- $v := include "spaniel.values" . | fromJson -}}
{{- $s := dict "v" $v "name" (include "spaniel.fullname" .) -}}
{{- $_ := set $s "storage" (include "spaniel.storage" $v) -}}
{{- $_ := set $s "spool" $v.spool.mode -}}
{{- $_ := set $s "kind" (ternary "StatefulSet" "Deployment" (eq $s.spool "volume")) -}}
{{- $_ := set $s "replicas" (int (ternary (ternary 1 2 (eq $s.storage "embedded")) $v.replicaCount (kindIs "invalid" $v.replicaCount))) -}}
{{- $_ := set $s "scaled" (and $v.autoscaling.enabled (or (eq $s.kind "Deployment") $v.autoscaling.statefulSet)) -}}
{{- $_ := set $s "ports" (include "spaniel.ports" $v | fromJson) -}}
{{- $_ := set $s "secrets" (include "spaniel.elasticsearchSecrets" $s | fromJson) -}}
{{- $_ := set $s "given" (include "spaniel.given" $v | fromJson) -}}
{{- $_ := set $s "config" (include "spaniel.config" $s | fromJson) -}}
{{- include "spaniel.grace" (list . $s) -}}
{{- include "spaniel.guards" (list . $s) -}}
{{- toJson $s -}}
{{- end -}}

{{/* Jaeger's memory and badger are its own stores, which ours takes the place of. */}}
{{- define "spaniel.storage" -}}
{{- $type := .storage.type -}}
{{- if has $type (list "memory" "badger" "none" "") }}embedded{{ else }}{{ $type }}{{ end -}}
{{- end -}}

{{- define "spaniel.ports" -}}
{{- $known := dict
  "zipkin" (dict "number" 9411 "named" "http-zipkin" "protocol" "TCP" "app" "http")
  "otlpGrpc" (dict "number" 4317 "named" "grpc-otlp" "protocol" "TCP" "app" "grpc")
  "otlpHttp" (dict "number" 4318 "named" "http-otlp" "protocol" "TCP" "app" "http")
  "jaegerGrpc" (dict "number" 14250 "named" "grpc-jaeger" "protocol" "TCP" "app" "grpc")
  "jaegerHttp" (dict "number" 14268 "named" "http-jaeger" "protocol" "TCP" "app" "http")
  "agentCompact" (dict "number" 6831 "named" "udp-compact" "protocol" "UDP")
  "agentBinary" (dict "number" 6832 "named" "udp-binary" "protocol" "UDP")
  "agentHttp" (dict "number" 5778 "named" "http-agent" "protocol" "TCP" "app" "http")
  "query" (dict "number" 16686 "named" "http-query" "protocol" "TCP" "app" "http")
  "admin" (dict "number" 14269 "named" "http-admin" "protocol" "TCP" "app" "http") -}}
{{- $open := dict -}}
{{- range $name, $port := $known -}}
{{- $given := index $.ports $name -}}
{{- $enabled := ternary $.services.jaegerAgent.enabled $given.enabled (kindIs "invalid" $given.enabled) -}}
{{- if or $enabled (eq $name "admin") -}}
{{- $_ := set $port "port" (int $given.port) -}}
{{- with $given.nodePort -}}{{- $_ := set $port "nodePort" (int .) -}}{{- end -}}
{{- $_ := set $open $name $port -}}
{{- end -}}
{{- end -}}
{{- toJson $open -}}
{{- end -}}

{{/* Seconds, rounded up part by part, of a duration as Go writes it; a number is nanoseconds, as in a file of settings. */}}
{{- define "spaniel.seconds" -}}
{{- $sum := 0 -}}
{{- if kindIs "float64" . -}}
{{- $sum = div (int64 .) 1000000000 | add1 -}}
{{- else -}}
{{- range regexFindAll "[0-9.]+[a-z]+" (. | toString) -1 -}}
{{- $number := regexFind "^[0-9.]+" . | float64 | ceil | int -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "h" -}}{{- $sum = add $sum (mul $number 3600) -}}
{{- else if eq $unit "m" -}}{{- $sum = add $sum (mul $number 60) -}}
{{- else if eq $unit "s" -}}{{- $sum = add $sum $number -}}
{{- else -}}{{- $sum = add $sum (ternary 0 1 (eq $number 0)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- define "spaniel.grace" -}}
{{- $s := index . 1 -}}
{{- $shutdown := $s.v.shutdown -}}
{{- $delay := include "spaniel.seconds" (index $s.config "shutdown.delay") | int -}}
{{- $timeout := include "spaniel.seconds" (index $s.config "shutdown.timeout") | int -}}
{{- $needed := add $delay $timeout (int $shutdown.preStopSleepSeconds) -}}
{{- $_ := set $s "needed" $needed -}}
{{- $_ := set $s "grace" (int (ternary (add $needed 5) $shutdown.terminationGracePeriodSeconds (kindIs "invalid" $shutdown.terminationGracePeriodSeconds))) -}}
{{- end -}}
