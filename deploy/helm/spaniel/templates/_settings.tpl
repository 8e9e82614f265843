{{/* Settings in their own names. What `config` says wins over what follows from other values. */}}

{{/* Enters the map `in` into the map `out`, its keys joined by dots. Takes: in, at, out. */}}
{{- define "spaniel.flatten" -}}
{{- $into := . -}}
{{- range $key, $value := .in -}}
{{- $name := printf "%s%s" $into.at $key | lower -}}
{{- if kindIs "map" $value -}}
{{- include "spaniel.flatten" (dict "in" $value "at" (printf "%s." $name) "out" $into.out) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $into.out $name $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the user wrote: Jaeger's cmdlineParams and, over them, `config`. */}}
{{- define "spaniel.given" -}}
{{- $given := dict -}}
{{- if or (eq .storage.type "elasticsearch") (eq .storage.type "opensearch") -}}
{{- include "spaniel.flatten" (dict "in" .storage.elasticsearch.cmdlineParams "at" "" "out" $given) -}}
{{- end -}}
{{- include "spaniel.flatten" (dict "in" ((.collector | default dict).cmdlineParams | default dict) "at" "" "out" $given) -}}
{{- include "spaniel.flatten" (dict "in" .config "at" "" "out" $given) -}}
{{- toJson $given -}}
{{- end -}}

{{- define "spaniel.config" -}}
{{- $config := dict "span-storage.type" .storage -}}
{{- include "spaniel.listenSettings" (list . $config) -}}
{{- include "spaniel.spoolSettings" (list . $config) -}}
{{- if eq .storage "embedded" -}}
{{- $_ := set $config "embedded.directory" "/data/spaniel" -}}
{{- $_ := set $config "embedded.max-bytes" (include "spaniel.share" (list .v.storage.embedded.size 80)) -}}
{{- else -}}
{{- include "spaniel.elasticsearchSettings" (list . $config) -}}
{{- end -}}
{{- with .v.auth.existingSecret -}}
{{- $_ := set $config "collector.auth.bearer-token-file" (printf "/etc/spaniel/auth/%s" $.v.auth.key) -}}
{{- end -}}
{{- if .v.samplingConfig -}}
{{- $_ := set $config "sampling.strategies-file" "/etc/spaniel/sampling/strategies.json" -}}
{{- $_ := set $config "sampling.strategies-reload-interval" "10s" -}}
{{- end -}}
{{- $_ := set $config "shutdown.delay" .v.shutdown.delay -}}
{{- $_ := set $config "shutdown.timeout" (default (ternary "25s" "55s" (eq .spool "volume")) .v.shutdown.timeout) -}}
{{- range $key, $value := .given -}}{{- $_ := set $config $key $value -}}{{- end -}}
{{- toJson $config -}}
{{- end -}}

{{/* The settings of ports: those of closed ones are `off`. */}}
{{- define "spaniel.portSettings" -}}
zipkin: collector.zipkin.host-port
otlpGrpc: collector.otlp.grpc.host-port
otlpHttp: collector.otlp.http.host-port
jaegerGrpc: collector.grpc-server.host-port
jaegerHttp: collector.http-server.host-port
agentCompact: processor.jaeger-compact.server-host-port
agentBinary: processor.jaeger-binary.server-host-port
agentHttp: http-server.host-port
query: query.http-server.host-port
admin: admin.http.host-port
{{- end -}}

{{- define "spaniel.listenSettings" -}}
{{- $s := index . 0 -}}{{- $config := index . 1 -}}
{{- range $name, $setting := include "spaniel.portSettings" $s | fromYaml -}}
{{- $port := index $s.ports $name -}}
{{- $_ := set $config $setting (ternary (printf ":%v" ($port | default dict).number) "off" (kindIs "map" $port)) -}}
{{- end -}}
{{- end -}}

{{- define "spaniel.spoolSettings" -}}
{{- $s := index . 0 -}}{{- $config := index . 1 -}}
{{- $_ := set $config "spool.sync" (get (dict "volume" "disk" "emptyDir" "process" "memory" "off") $s.spool) -}}
{{- if ne $s.spool "memory" -}}
{{- $_ := set $config "spool.directory" "/spool/spaniel" -}}
{{- $_ := set $config "spool.max-bytes" (include "spaniel.share" (list $s.v.spool.size 70)) -}}
{{- $_ := set $config "spool.held-max-bytes" (include "spaniel.share" (list $s.v.spool.size 10)) -}}
{{- $_ := set $config "dead-letter.max-bytes" (include "spaniel.share" (list $s.v.spool.size 10)) -}}
{{- end -}}
{{- end -}}

{{/* So many hundredths of a Kubernetes quantity, in MiB. */}}
{{- define "spaniel.share" -}}
{{- $text := index . 0 | toString -}}
{{- $number := regexFind "^[0-9]+" $text | int64 -}}
{{- $unit := regexFind "[A-Za-z]*$" $text -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- printf "%dMiB" (div (mul $number (get $units $unit) (index . 1)) (mul 100 1048576)) -}}
{{- end -}}

{{- define "spaniel.elasticsearchUrls" -}}
{{- $urls := .urls -}}
{{- if not $urls -}}
{{- $urls = list (ternary (printf "https://%s-es-http:9200" .eck.clusterName) (printf "%s://%s:%v" .scheme .host .port) (ne .eck.clusterName "")) -}}
{{- end -}}
{{- dict "urls" $urls | toJson -}}
{{- end -}}

{{/*
Which Secrets the connection to Elasticsearch needs: password and tls are maps of `secret` and keys.
They are mounted, so that a changed password is taken without a restart.
*/}}
{{- define "spaniel.elasticsearchSecrets" -}}
{{- $es := .v.storage.elasticsearch -}}
{{- $secrets := dict -}}
{{- if ne .storage "embedded" -}}
{{- if $es.apiKeySecret.name -}}
{{- $_ := set $secrets "apiKey" (dict "secret" $es.apiKeySecret.name "key" $es.apiKeySecret.key) -}}
{{- else if $es.tokenSecret.name -}}
{{- $_ := set $secrets "token" (dict "secret" $es.tokenSecret.name "key" $es.tokenSecret.key) -}}
{{- else if and $es.usePassword $es.existingSecret -}}
{{- $_ := set $secrets "password" (dict "secret" $es.existingSecret "key" $es.existingSecretKey) -}}
{{- else if and $es.usePassword $es.password -}}
{{- $_ := set $secrets "password" (dict "secret" (printf "%s-elasticsearch" .name) "key" "password") -}}
{{- else if and $es.usePassword $es.eck.clusterName -}}
{{- $_ := set $secrets "password" (dict "secret" (printf "%s-es-elastic-user" $es.eck.clusterName) "key" "elastic") -}}
{{- end -}}
{{- if $es.tls.existingSecret -}}
{{- $_ := set $secrets "tls" (dict "secret" $es.tls.existingSecret) -}}
{{- else if and $es.eck.clusterName (not $es.tls.secretName) -}}
{{- $_ := set $secrets "tls" (dict "secret" (printf "%s-es-http-certs-public" $es.eck.clusterName)) -}}
{{- end -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}

{{- define "spaniel.elasticsearchSettings" -}}
{{- $s := index . 0 -}}{{- $config := index . 1 -}}
{{- $es := $s.v.storage.elasticsearch -}}
{{- $_ := set $config "es.server-urls" (include "spaniel.elasticsearchUrls" $es | fromJson).urls -}}
{{- with $s.secrets.apiKey }}{{ $_ := set $config "es.api-key-file" (printf "/etc/spaniel/elasticsearch/%s" .key) }}{{ end -}}
{{- with $s.secrets.token }}{{ $_ := set $config "es.token-file" (printf "/etc/spaniel/elasticsearch/%s" .key) }}{{ end -}}
{{- with $s.secrets.password -}}
{{- $_ := set $config "es.password-file" (printf "/etc/spaniel/elasticsearch/%s" .key) -}}
{{- if not (or $es.anonymous $es.existingSecretUserKey) -}}
{{- $_ := set $config "es.username" (default "elastic" $es.user) -}}
{{- end -}}
{{- end -}}
{{- with $es.indexPrefix }}{{ $_ := set $config "es.index-prefix" . }}{{ end -}}
{{- include "spaniel.elasticsearchTls" (list $s $config) -}}
{{- end -}}

{{- define "spaniel.elasticsearchTls" -}}
{{- $s := index . 0 -}}{{- $config := index . 1 -}}
{{- $tls := $s.v.storage.elasticsearch.tls -}}
{{- if or $tls.enabled $s.secrets.tls -}}
{{- $_ := set $config "es.tls.enabled" true -}}
{{- if $s.secrets.tls -}}
{{- with $tls.caKey }}{{ $_ := set $config "es.tls.ca" (printf "/etc/spaniel/elasticsearch-tls/%s" .) }}{{ end -}}
{{- with $tls.certKey }}{{ $_ := set $config "es.tls.cert" (printf "/etc/spaniel/elasticsearch-tls/%s" .) }}{{ end -}}
{{- with $tls.keyKey }}{{ $_ := set $config "es.tls.key" (printf "/etc/spaniel/elasticsearch-tls/%s" .) }}{{ end -}}
{{- else if $tls.secretName -}}
{{- $_ := set $config "es.tls.ca" $tls.ca -}}
{{- end -}}
{{- with $tls.serverName }}{{ $_ := set $config "es.tls.server-name" . }}{{ end -}}
{{- if $tls.skipHostVerify }}{{ $_ := set $config "es.tls.skip-host-verify" true }}{{ end -}}
{{- end -}}
{{- end -}}
