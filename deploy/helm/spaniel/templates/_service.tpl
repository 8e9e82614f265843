{{/* Ports of a Service. Takes: top, s, names (of ports, in order; closed ones are left out), rename (perhaps). */}}
{{- define "spaniel.servicePorts" -}}
{{- $with := . -}}
{{- $app := include "spaniel.kube" (dict "top" .top "from" "1.20") -}}
{{- range $name := .names }}
{{- with index $with.s.ports $name }}
- name: {{ default .named (get ($with.rename | default dict) $name) }}
  port: {{ int .port }}
  targetPort: {{ .named }}
  protocol: {{ .protocol }}
  {{- if and $app .app }}
  appProtocol: {{ .app }}
  {{- end }}
  {{- if and .nodePort (ne $with.s.v.service.type "ClusterIP") (not $with.alias) }}
  nodePort: {{ int .nodePort }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A Service under a name that senders know. Takes: top, s, of (its values), ports (text). */}}
{{- define "spaniel.namedService" -}}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "spaniel.metadata" (dict "top" .top "name" .of.name "component" "known-name" "labels" .of.labels "annotations" .of.annotations) | nindent 2 }}
spec:
  selector:
    {{- include "spaniel.podSelector" .top | nindent 4 }}
  ports:
    {{- .ports | trim | nindent 4 }}
{{ end -}}
