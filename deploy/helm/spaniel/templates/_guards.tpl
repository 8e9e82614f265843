{{/* Combinations that would lose spans or cannot run: each stops the install with what to write instead. */}}
{{- define "spaniel.guards" -}}
{{- $top := index . 0 -}}{{- $s := index . 1 -}}{{- $v := $s.v -}}
{{- include "spaniel.storageGuards" $s -}}
{{- include "spaniel.settingGuards" $s -}}
{{- include "spaniel.jaegerGuards" $v -}}
{{- include "spaniel.jaegerRelease" (list $top $v) -}}
{{- if lt (int $s.grace) (int $s.needed) -}}
{{- fail (printf "\nshutdown.terminationGracePeriodSeconds is %d, but the drain takes up to %d s: the pod would be killed before it has stored what it holds. Leave it out, or shorten shutdown.delay or shutdown.timeout." (int $s.grace) (int $s.needed)) -}}
{{- end -}}
{{- if contains "jaegertracing" $v.image.repository -}}
{{- fail (printf "\nimage.repository is %s, which is Jaeger and not Spaniel: leave it out, or name where you pushed Spaniel's image." $v.image.repository) -}}
{{- end -}}
{{- if and (index $s.config "admin.http.tls.client-ca") (not (and $v.livenessProbe $v.readinessProbe $v.startupProbe)) -}}
{{- fail "\nconfig admin.http.tls.client-ca: probes have no certificate. Give startupProbe, livenessProbe and readinessProbe of your own, or leave it out." -}}
{{- end -}}
{{- if and $v.istio.peerAuthentication.create (not $v.istio.inject) -}}
{{- fail "\nistio.peerAuthentication.create needs istio.inject: without a sidecar plain text arrives anyway." -}}
{{- end -}}
{{- end -}}

{{- define "spaniel.storageGuards" -}}
{{- if not (has .storage (list "embedded" "elasticsearch" "opensearch")) -}}
{{- fail (printf "\nstorage.type is %s, to which Spaniel does not write. Set storage.type to elasticsearch, opensearch or embedded." .storage) -}}
{{- end -}}
{{- $many := or (gt (int .replicas) 1) (and .scaled (gt (int .v.autoscaling.maxReplicas) 1)) -}}
{{- if and (eq .storage "embedded") $many -}}
{{- fail "\nstorage.type embedded keeps the spans of one replica in that replica, and a query would find only a part of them. Set replicaCount: 1 and autoscaling.enabled: false, or storage.type: elasticsearch." -}}
{{- end -}}
{{- if and (eq .storage "embedded") .v.drain.claims -}}
{{- fail "\ndrain.claims: the embedded store lies on the volume of its one replica, and a Job elsewhere could not write to it. Start that replica again, or set storage.type: elasticsearch to drain into that." -}}
{{- end -}}
{{- if and (ne .storage "embedded") .v.storage.elasticsearch.apiKeySecret.name .v.storage.elasticsearch.tokenSecret.name -}}
{{- fail "\nstorage.elasticsearch: set apiKeySecret or tokenSecret, not both." -}}
{{- end -}}
{{- if ne .storage "embedded" -}}
{{- range (include "spaniel.elasticsearchUrls" .v.storage.elasticsearch | fromJson).urls -}}
{{- if regexMatch "^[a-z]+://[^/]*@" . -}}
{{- fail "\nstorage.elasticsearch: a URL holds a password, which everybody who may read ConfigMaps would see. Put it into a Secret and name that by storage.elasticsearch.existingSecret." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $least := include "spaniel.share" (list .v.spool.size 100) | trimSuffix "MiB" | int64 -}}
{{- if and (ne .spool "memory") (lt $least (int64 1024)) -}}
{{- fail (printf "\nspool.size is %v: write 1Gi or more." .v.spool.size) -}}
{{- end -}}
{{- end -}}

{{/* Settings that follow from other values: said twice they could contradict each other. */}}
{{- define "spaniel.settingGuards" -}}
{{- range $name, $setting := include "spaniel.portSettings" . | fromYaml -}}
{{- $given := index $.given $setting -}}
{{- if not (kindIs "invalid" $given) -}}
{{- $number := toString (index (index $.ports $name | default dict) "number") -}}
{{- if not (or (has (toString $given) (list $number (printf ":%s" $number) (printf "0.0.0.0:%s" $number))) (and (eq $number "") (has $given (list "" "off")))) -}}
{{- fail (printf "\n%s is %v, but Services and probes are made for the usual port. Leave it out; ports.%s.enabled and ports.%s.port say whether it is open and where the Service has it." $setting $given $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq (toString (index .given "collector.otlp.enabled")) "false") (or .ports.otlpGrpc .ports.otlpHttp) -}}
{{- fail "\ncollector.otlp.enabled is false, but Services have the ports of OTLP: set ports.otlpGrpc.enabled and ports.otlpHttp.enabled to false instead." -}}
{{- end -}}
{{- $instead := dict
  "config-file" "write its content under config"
  "es.password" "put it into a Secret and name that by storage.elasticsearch.existingSecret"
  "spool.directory" "it is the mounted volume"
  "embedded.directory" "it is the mounted volume" -}}
{{- range $setting, $why := $instead -}}
{{- if hasKey $.given $setting -}}
{{- fail (printf "\n%s cannot be set here: %s." $setting $why) -}}
{{- end -}}
{{- end -}}
{{- if ne (toString (index .config "span-storage.type")) .storage -}}
{{- fail (printf "\nspan-storage.type is %v in the settings and storage.type is %s: set storage.type alone." (index .config "span-storage.type") .storage) -}}
{{- end -}}
{{- if eq .storage "embedded" -}}
{{- range $setting, $value := .given -}}
{{- if hasPrefix "es." $setting -}}
{{- fail (printf "\n%s is set, but storage.type is embedded: set storage.type: elasticsearch (or opensearch), or leave it out." $setting) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $sync := toString (index .config "spool.sync") -}}
{{- if ne (has $sync (list "off" "false")) (eq .spool "memory") -}}
{{- fail (printf "\nspool.sync is %s and spool.mode is %s: set spool.mode to memory for spans that wait in memory, to emptyDir or volume for those on disk." $sync .spool) -}}
{{- end -}}
{{- end -}}

{{- define "spaniel.jaegerGuards" -}}
{{- if (.provisionDataStore | default dict).elasticsearch -}}
{{- fail "\nprovisionDataStore.elasticsearch: this chart installs no Elasticsearch, and an upgrade of Jaeger's release would remove the one that Jaeger's chart installed. Install Elasticsearch by itself, name it by storage.elasticsearch.host and set provisionDataStore.elasticsearch: false." -}}
{{- end -}}
{{- end -}}

{{/* An upgrade of Jaeger's own release would remove its jaeger-query, by which traces are read. */}}
{{- define "spaniel.jaegerRelease" -}}
{{- $top := index . 0 -}}{{- $query := (index . 1).query | default dict -}}
{{- $jaeger := ternary $top.Release.Name (printf "%s-jaeger" $top.Release.Name) (contains "jaeger" $top.Release.Name) -}}
{{- if and $top.Release.IsUpgrade (not (and (hasKey $query "enabled") (not $query.enabled))) -}}
{{- with lookup "apps/v1" "Deployment" $top.Release.Namespace (printf "%s-query" $jaeger) -}}
{{- if eq (toString (index (.metadata.annotations | default dict) "meta.helm.sh/release-name")) $top.Release.Name -}}
{{- fail (printf "\nThe release %s has %s of Jaeger's chart, which this upgrade would remove. Install Spaniel as a release of its own, and keep this one with collector.enabled=false. If nobody reads by %s, set query.enabled=false." $top.Release.Name .metadata.name .metadata.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
