package main

import (
	"context"
	"encoding/binary"

	"go.opentelemetry.io/contrib/samplers/jaegerremote"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type otelClient struct {
	ids    *givenIDs
	tracer trace.Tracer
}

func newOtel(url, service string) *otelClient {
	ids := &givenIDs{}
	remote := jaegerremote.New(
		service,
		jaegerremote.WithSamplingServerURL(url),
		jaegerremote.WithSamplingRefreshInterval(interval),
		jaegerremote.WithInitialSampler(sdk.NeverSample()),
	)
	provider := sdk.NewTracerProvider(sdk.WithSampler(remote), sdk.WithIDGenerator(ids))
	return &otelClient{ids, provider.Tracer("polling")}
}

func (client *otelClient) start(operation string, low uint64) (bool, string, string) {
	client.ids.low = low
	_, span := client.tracer.Start(context.Background(), operation)
	defer span.End()
	kind, param := "none", "none"
	if readable, ok := span.(sdk.ReadOnlySpan); ok {
		attributes := attribute.NewSet(readable.Attributes()...)
		if value, ok := attributes.Value("jaeger.sampler.type"); ok {
			kind = value.Emit()
		}
		if value, ok := attributes.Value("jaeger.sampler.param"); ok {
			param = value.Emit()
		}
	}
	return span.SpanContext().IsSampled(), kind, param
}

// givenIDs makes trace ids whose low half is given.
type givenIDs struct {
	low uint64
}

func (ids *givenIDs) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	var id trace.TraceID
	id[0] = 1
	binary.BigEndian.PutUint64(id[8:], ids.low)
	return id, trace.SpanID{1}
}

func (ids *givenIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	return trace.SpanID{2}
}
