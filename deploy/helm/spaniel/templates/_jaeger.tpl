{{/* A line for each value of Jaeger's chart that means nothing here. Takes: the values as the user gave them. */}}
{{- define "spaniel.jaegerLines" -}}
{{- $v := .Values -}}
{{- $lines := dict
  "agent" "there is no agent to install; services.jaegerAgent.enabled takes UDP, and clients may send straight to jaeger-collector"
  "ingester" "Spaniel keeps what waits on its own disk, without Kafka; let the ingester empty its topic before you remove it"
  "query" "jaeger-query stays the stock one: keep it by Jaeger's chart with collector.enabled=false"
  "spark" "keep it by Jaeger's chart with collector.enabled=false"
  "esIndexCleaner" "keep it by Jaeger's chart with collector.enabled=false; index names are the same"
  "esRollover" "keep it by Jaeger's chart with collector.enabled=false; `spaniel es init` does what its init does"
  "esLookback" "keep it by Jaeger's chart with collector.enabled=false"
  "hotrod" "keep it by Jaeger's chart with collector.enabled=false"
  "schema" "there is no Cassandra"
  "cassandra" "there is no Cassandra"
  "kafka" "there is no Kafka"
  "elasticsearch" "this chart installs no Elasticsearch; storage.elasticsearch says where it is"
  "tag" "it is a version of Jaeger; Spaniel's is image.tag"
  "jaeger" "it is of Jaeger's chart 4, which has another form; write it as values of this chart"
  "userconfig" "it is of Jaeger's chart 4, which has another form; write it as values of this chart"
  "uiconfig" "there is no page to configure" -}}
{{- range $key, $why := $lines -}}
{{- $given := index $v $key -}}
{{- $off := false -}}
{{- if kindIs "map" $given -}}{{- $off = and (hasKey $given "enabled") (not (get $given "enabled")) -}}{{- end -}}
{{- if and $given (not $off) }}
* {{ $key }}: {{ $why }}.
{{- end -}}
{{- end -}}
{{- include "spaniel.jaegerCollectorLines" $v -}}
{{- end -}}

{{- define "spaniel.jaegerCollectorLines" -}}
{{- $collector := .collector | default dict -}}
{{- $known := concat (splitList " " (include "spaniel.jaegerSame" .)) (splitList " " (include "spaniel.jaegerElsewhere" .)) -}}
{{- range $key, $value := $collector -}}
{{- if and (eq $key "enabled") (not $value) }}
* collector.enabled: this chart is the collector, and was installed.
{{- else if and (eq $key "basePath") (ne (toString $value) "/") }}
* collector.basePath: paths have no prefix here.
{{- else if and $value (eq $key "topologySpreadContraints") }}
* collector.topologySpreadContraints is spelt wrongly (as in Jaeger's values): write topologySpreadConstraints.
{{- else if and $value (not (has $key (concat $known (list "enabled" "basePath")))) }}
* collector.{{ $key }}: it is not known here.
{{- end -}}
{{- end -}}
{{- if contains "jaegertracing" (toString ($collector.image | default dict).repository) }}
* collector.image: it is Jaeger's image; Spaniel's is image.repository.
{{- end -}}
{{- range $key, $value := .provisionDataStore | default dict -}}
{{- if $value }}
* provisionDataStore.{{ $key }}: this chart installs no data store.
{{- end -}}
{{- end -}}
{{- if has .storage.type (list "memory" "badger" "none") }}
* storage.type {{ .storage.type }}: spans go to the embedded store.
{{- end -}}
{{- if (.allInOne | default dict).enabled }}
* allInOne: with storage.type embedded one pod does it all, and has the Services jaeger-collector, zipkin and jaeger-query.
{{- end -}}
{{- if .storage.cassandra }}
* storage.cassandra: there is no Cassandra.
{{- end -}}
{{- if .storage.kafka }}
* storage.kafka: there is no Kafka.
{{- end -}}
{{- end -}}

{{/* What an operator should look at. Takes: top, s. */}}
{{- define "spaniel.warnings" -}}
{{- $s := index . 1 -}}{{- $v := $s.v -}}{{- $es := $v.storage.elasticsearch -}}
{{- if and $v.autoscaling.enabled (not $s.scaled) }}
* autoscaling.enabled is not followed: scaling in would leave a volume behind, perhaps with spans in it. If you want that all
  the same, set autoscaling.statefulSet; then run the drain Job for each claim that is left (drain.claims).
{{- end -}}
{{- if and $s.scaled (eq $s.kind "StatefulSet") }}
* Scaling in leaves a volume behind, perhaps with spans in it: run the drain Job for it (drain.claims), or scale out again.
{{- end -}}
{{- if and (eq (int $s.replicas) 1) (not $s.scaled) (ne $s.storage "embedded") }}
* There is one replica: {{ if eq $s.kind "StatefulSet" }}while it is replaced nothing is taken{{ else }}when its node fails nothing is taken for a while{{ end }}. replicaCount: 2 mends that.
{{- end -}}
{{- if and (eq $s.storage "embedded") (ne $s.spool "volume") }}
* The embedded store lies in an emptyDir: all traces are gone when the pod goes. spool.mode: volume keeps them.
{{- end -}}
{{- if not (($v.resources | default dict).limits | default dict).memory }}
* There is no limit of memory: Spaniel may take three quarters of the node's. Set resources.limits.memory or config memory.limit.
{{- end -}}
{{- if and (ne $s.storage "embedded") $es.password $es.existingSecret }}
* storage.elasticsearch.password is not used: existingSecret is.
{{- end -}}
{{- if and (ne $s.storage "embedded") $es.tls.enabled (not $s.secrets.tls) (not $es.tls.secretName) }}
* storage.elasticsearch.tls has no CA of its own. Jaeger's chart mounted the Secret es-tls-secret then: if yours is that, set
  storage.elasticsearch.tls.secretName to it.
{{- end -}}
{{- if and (ne $s.storage "embedded") (not $s.secrets.password) (not $s.secrets.apiKey) (not $s.secrets.token) }}
* Elasticsearch is asked without credentials. Jaeger's chart sent elastic/changeme by default.
{{- end -}}
{{- if and $v.istio.inject (not $v.istio.peerAuthentication.create) }}
* The pods have a sidecar. Envoy's own tracer sends plain text, which a STRICT mesh turns away before it reaches us: set
  istio.peerAuthentication.create, or leave istio.inject off.
{{- end -}}
{{- if $v.services.jaegerCollector.tchannelPort }}
* Port 14267 of {{ $v.services.jaegerCollector.name }} (TChannel, agents before 1.18) answers nobody: such agents send to 14250.
{{- end -}}
{{- end -}}
