package main

import (
	"fmt"
	"net/http"
	"sort"
	"time"

	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/ext"
	"github.com/opentracing/opentracing-go/log"
	"github.com/uber/jaeger-client-go"
	thrift "github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"github.com/uber/jaeger-client-go/transport"
)

// Compact Thrift to jaeger-agent's port.
func jaegerUDP(options Options) (Report, error) {
	sender, err := jaeger.NewUDPTransport(options.Address, 0)
	if err != nil {
		return Report{}, err
	}
	return reportJaeger(sender)
}

// Binary Thrift to jaeger-collector's port.
func jaegerHTTP(options Options) (Report, error) {
	address := fmt.Sprintf("http://%s/api/traces?format=jaeger.thrift", options.Address)
	return reportJaeger(transport.NewHTTPTransport(address, transport.HTTPRoundTripper(&http.Transport{})))
}

// failures notes what a client says that it could not do; it says so nowhere else.
type failures struct{ messages []string }

func (failures *failures) Error(message string) {
	failures.messages = append(failures.messages, message)
}
func (*failures) Infof(string, ...interface{})  {}
func (*failures) Debugf(string, ...interface{}) {}

// Sends a trace by the client, as a program would.
func reportJaeger(sender jaeger.Transport) (Report, error) {
	failures, memory := &failures{}, jaeger.NewInMemoryReporter()
	remote := jaeger.NewRemoteReporter(sender, jaeger.ReporterOptions.Logger(failures))
	tracer, closer := jaeger.NewTracer("shop", jaeger.NewConstSampler(true), jaeger.NewCompositeReporter(remote, memory),
		jaeger.TracerOptions.Gen128Bit(true),
		jaeger.TracerOptions.Tag("zone", "a"),
		jaeger.TracerOptions.Tag("cores", 4),
	)
	makeSpans(tracer)
	// Its end forgets them.
	spans := memory.GetSpans()
	if err := closer.Close(); err != nil {
		return Report{}, err
	}
	if len(failures.messages) > 0 {
		return Report{}, fmt.Errorf("%v", failures.messages)
	}
	report := Report{}
	for _, span := range spans {
		report.Spans = append(report.Spans, ofJaeger(span.(*jaeger.Span)))
	}
	return report, nil
}

func makeSpans(tracer opentracing.Tracer) {
	start := begin()
	after := func(milliseconds int) time.Time { return start.Add(time.Duration(milliseconds) * time.Millisecond) }
	finish := func(span opentracing.Span, milliseconds int) {
		span.FinishWithOptions(opentracing.FinishOptions{FinishTime: after(milliseconds)})
	}
	server := tracer.StartSpan("GET /checkout", opentracing.StartTime(start), ext.SpanKindRPCServer)
	// A flag of the whole trace, which must not change once a span of it is on its way.
	ext.SamplingPriority.Set(server, 1)
	server.SetTag("text", "é & <b>").SetTag("empty", "").SetTag("yes", true).SetTag("no", false)
	server.SetTag("large", int64(9007199254740993)).SetTag("negative", -1).SetTag("share", 0.75)
	server.SetTag("bytes", []byte{0, 255, 16})
	client := tracer.StartSpan("charge", opentracing.StartTime(after(1)), ext.SpanKindRPCClient,
		opentracing.ChildOf(server.Context()))
	ext.Error.Set(client, true)
	client.FinishWithOptions(opentracing.FinishOptions{FinishTime: after(4), LogRecords: []opentracing.LogRecord{
		{Timestamp: after(2), Fields: []log.Field{
			log.String("event", "retry"), log.Int64("attempt", 2), log.Bool("last", false), log.Float64("wait", 1.5),
		}},
		{Timestamp: after(3), Fields: []log.Field{log.String("event", "gave up")}},
	}})
	later := tracer.StartSpan("mail", opentracing.StartTime(after(30)), opentracing.FollowsFrom(server.Context()),
		opentracing.ChildOf(client.Context()))
	finish(later, 31)
	finish(server, 20)
}

func ofJaeger(span *jaeger.Span) Span {
	context := span.SpanContext()
	out := Span{
		TraceID: context.TraceID().String(),
		SpanID:  context.SpanID().String(),
		Service: "shop",
		Name:    span.OperationName(),
		Start:   span.StartTime().UnixNano(),
		End:     span.StartTime().Add(span.Duration()).UnixNano(),
		Flags:   uint32(context.Flags()),
	}
	if context.ParentID() != 0 {
		out.ParentID = context.ParentID().String()
	}
	for _, pair := range jaeger.BuildJaegerProcessThrift(span).Tags {
		out.Resource = append(out.Resource, ofThrift(pair))
	}
	tags := span.Tags()
	for key := range tags {
		out.Tags = append(out.Tags, tag(key, tags[key]))
	}
	sort.Slice(out.Tags, func(a, b int) bool { return out.Tags[a].Key < out.Tags[b].Key })
	for _, record := range span.Logs() {
		fields := []Tag{}
		for _, field := range record.Fields {
			fields = append(fields, tag(field.Key(), field.Value()))
		}
		out.Logs = append(out.Logs, Log{Time: record.Timestamp.UnixNano(), Fields: fields})
	}
	for _, reference := range span.References() {
		to := reference.ReferencedContext.(jaeger.SpanContext)
		kind := "CHILD_OF"
		if reference.Type == opentracing.FollowsFromRef {
			kind = "FOLLOWS_FROM"
		}
		out.Links = append(out.Links, Link{to.TraceID().String(), to.SpanID().String(), kind})
	}
	return out
}

func ofThrift(pair *thrift.Tag) Tag {
	switch pair.VType {
	case thrift.TagType_BOOL:
		return tag(pair.Key, pair.GetVBool())
	case thrift.TagType_LONG:
		return tag(pair.Key, pair.GetVLong())
	case thrift.TagType_DOUBLE:
		return tag(pair.Key, pair.GetVDouble())
	case thrift.TagType_BINARY:
		return tag(pair.Key, pair.VBinary)
	default:
		return tag(pair.Key, pair.GetVStr())
	}
}
