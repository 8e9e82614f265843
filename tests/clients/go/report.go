package main

import (
	"fmt"
	"time"
)

// Report is what was sent, by the client's own account.
type Report struct {
	Spans []Span `json:"spans"`
}

// Span is a span in the terms of its client; what a client does not know stays empty.
type Span struct {
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
	// ParentID is empty for a root.
	ParentID string `json:"parentID"`
	Service  string `json:"service"`
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	// Start and End are nanoseconds since 1970.
	Start      int64     `json:"start"`
	End        int64     `json:"end"`
	Flags      uint32    `json:"flags"`
	Tags       []Tag     `json:"tags"`
	Logs       []Log     `json:"logs"`
	Links      []Link    `json:"links"`
	Resource   []Tag     `json:"resource"`
	Status     Status    `json:"status"`
	Scope      Scope     `json:"scope"`
	TraceState string    `json:"traceState"`
	Local      *Endpoint `json:"local"`
	Remote     *Endpoint `json:"remote"`
}

// Tag is a key with a typed value: string, bool, int64, float64, binary (in hex) or list.
type Tag struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// Log is an event; the name is empty where a client has none.
type Log struct {
	Time   int64  `json:"time"`
	Name   string `json:"name"`
	Fields []Tag  `json:"fields"`
}

// Link points to another span: a link of OpenTelemetry, or a reference (CHILD_OF, FOLLOWS_FROM).
type Link struct {
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
	Type    string `json:"type"`
}

// Status is OpenTelemetry's.
type Status struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Scope is OpenTelemetry's instrumentation scope.
type Scope struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Endpoint is Zipkin's.
type Endpoint struct {
	Service string `json:"service"`
	IP      string `json:"ip"`
	Port    uint16 `json:"port"`
}

// The start of the first span of a program: some nanoseconds after a microsecond.
func begin() time.Time {
	return time.Now().Add(-time.Minute).Truncate(time.Microsecond).Add(123 * time.Nanosecond)
}

// tag gives a Go value the type that it has on the wire.
func tag(key string, value any) Tag {
	switch value := value.(type) {
	case string:
		return Tag{key, "string", value}
	case bool:
		return Tag{key, "bool", value}
	case int, int8, int16, int32, int64, uint16, uint32:
		return Tag{key, "int64", value}
	case float32, float64:
		return Tag{key, "float64", value}
	case []byte:
		return Tag{key, "binary", fmt.Sprintf("%x", value)}
	default:
		// Texts with a type of their own.
		return Tag{key, "string", fmt.Sprint(value)}
	}
}
