package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func otlpGRPC(options Options) (Report, error) {
	settings := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(options.Address),
		// A failure is to be seen, not mended.
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: false}),
	}
	if options.CA == "" {
		settings = append(settings, otlptracegrpc.WithInsecure())
	} else {
		credentials, err := options.credentials()
		if err != nil {
			return Report{}, err
		}
		settings = append(settings, otlptracegrpc.WithTLSCredentials(credentials))
	}
	if options.Gzip {
		settings = append(settings, otlptracegrpc.WithCompressor("gzip"))
	}
	exporter, err := otlptracegrpc.New(context.Background(), settings...)
	if err != nil {
		return Report{}, err
	}
	return export(exporter)
}

func otlpHTTP(options Options) (Report, error) {
	settings := []otlptracehttp.Option{
		otlptracehttp.WithEndpoint(options.Address),
		otlptracehttp.WithInsecure(),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}),
	}
	if options.Gzip {
		settings = append(settings, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	exporter, err := otlptracehttp.New(context.Background(), settings...)
	if err != nil {
		return Report{}, err
	}
	return export(exporter)
}

// tee notes the spans that an exporter is given, and whether it could send them.
type tee struct {
	sdktrace.SpanExporter
	mutex sync.Mutex
	spans []sdktrace.ReadOnlySpan
	err   error
}

func (tee *tee) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := tee.SpanExporter.ExportSpans(ctx, spans)
	tee.mutex.Lock()
	defer tee.mutex.Unlock()
	tee.spans = append(tee.spans, spans...)
	if err != nil {
		tee.err = err
	}
	return err
}

// Sends a trace by the SDK, as a program would.
func export(exporter sdktrace.SpanExporter) (Report, error) {
	// A partial success is an error too, told to the handler.
	var handled error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = err }))
	tee := &tee{SpanExporter: exporter}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(tee),
		sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "shop"),
			attribute.String("service.version", "1.2.3"),
			attribute.Int("host.cpu.count", 4),
		)),
	)
	makeTrace(provider.Tracer("example.org/shop", trace.WithInstrumentationVersion("0.9")))
	if err := provider.Shutdown(context.Background()); err != nil {
		return Report{}, err
	}
	if tee.err != nil {
		return Report{}, tee.err
	}
	if handled != nil {
		return Report{}, handled
	}
	report := Report{}
	for _, span := range tee.spans {
		report.Spans = append(report.Spans, ofOpenTelemetry(span))
	}
	return report, nil
}

func makeTrace(tracer trace.Tracer) {
	start := begin()
	after := func(milliseconds int) time.Time { return start.Add(time.Duration(milliseconds) * time.Millisecond) }
	ctx, server := tracer.Start(context.Background(), "GET /checkout", trace.WithTimestamp(start),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.url", "https://shop.example/checkout?a=1&b=é"),
			attribute.String("empty", ""),
			attribute.Bool("retried", true),
			attribute.Int64("large", 9007199254740993),
			attribute.Int64("negative", -1),
			attribute.Float64("share", 0.75),
			attribute.StringSlice("items", []string{"tea", "cup"}),
			attribute.Int64Slice("counts", []int64{1, -2}),
			attribute.BoolSlice("flags", []bool{true, false}),
			attribute.Float64Slice("weights", []float64{0.5, 2.25}),
		))
	_, elsewhere := tracer.Start(context.Background(), "another trace", trace.WithTimestamp(start))
	elsewhere.End(trace.WithTimestamp(after(1)))
	_, client := tracer.Start(ctx, "charge", trace.WithTimestamp(after(1)), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithLinks(trace.Link{SpanContext: elsewhere.SpanContext()}))
	client.AddEvent("retry", trace.WithTimestamp(after(2)), trace.WithAttributes(
		attribute.String("reason", "timeout"), attribute.Int("attempt", 2)))
	client.AddEvent("gave up", trace.WithTimestamp(after(3)))
	client.SetStatus(codes.Error, "card declined")
	client.End(trace.WithTimestamp(after(4)))
	kinds := []trace.SpanKind{trace.SpanKindProducer, trace.SpanKindConsumer, trace.SpanKindInternal}
	for number, kind := range kinds {
		_, span := tracer.Start(ctx, "step", trace.WithTimestamp(after(5+number)), trace.WithSpanKind(kind))
		span.End(trace.WithTimestamp(after(7 + number)))
	}
	server.SetStatus(codes.Ok, "")
	server.End(trace.WithTimestamp(after(20)))
}

func ofOpenTelemetry(span sdktrace.ReadOnlySpan) Span {
	out := Span{
		TraceID:    span.SpanContext().TraceID().String(),
		SpanID:     span.SpanContext().SpanID().String(),
		Name:       span.Name(),
		Kind:       span.SpanKind().String(),
		Start:      span.StartTime().UnixNano(),
		End:        span.EndTime().UnixNano(),
		Tags:       attributes(span.Attributes()),
		Status:     Status{span.Status().Code.String(), span.Status().Description},
		Scope:      Scope{span.InstrumentationScope().Name, span.InstrumentationScope().Version},
		TraceState: span.SpanContext().TraceState().String(),
	}
	if span.Parent().IsValid() {
		out.ParentID = span.Parent().SpanID().String()
	}
	for _, event := range span.Events() {
		out.Logs = append(out.Logs, Log{event.Time.UnixNano(), event.Name, attributes(event.Attributes)})
	}
	for _, link := range span.Links() {
		out.Links = append(out.Links, Link{link.SpanContext.TraceID().String(), link.SpanContext.SpanID().String(), ""})
	}
	for _, tag := range attributes(span.Resource().Attributes()) {
		if tag.Key == "service.name" {
			out.Service = fmt.Sprint(tag.Value)
		} else {
			out.Resource = append(out.Resource, tag)
		}
	}
	return out
}

func attributes(list []attribute.KeyValue) []Tag {
	tags := []Tag{}
	for _, pair := range list {
		key, value := string(pair.Key), pair.Value.AsInterface()
		if strings.HasSuffix(pair.Value.Type().String(), "SLICE") {
			tags = append(tags, Tag{key, "list", value})
		} else {
			tags = append(tags, tag(key, value))
		}
	}
	return tags
}
