package main

import (
	"fmt"

	"github.com/uber/jaeger-client-go"
)

type jaegerClient struct {
	low    uint64
	tracer *jaeger.Tracer
}

func newJaeger(url, service string) *jaegerClient {
	remote := jaeger.NewRemotelyControlledSampler(
		service,
		jaeger.SamplerOptions.SamplingServerURL(url),
		jaeger.SamplerOptions.SamplingRefreshInterval(interval),
		jaeger.SamplerOptions.InitialSampler(jaeger.NewConstSampler(false)),
	)
	client := &jaegerClient{}
	random := jaeger.TracerOptions.RandomNumber(func() uint64 { return client.low })
	tracer, _ := jaeger.NewTracer(service, remote, jaeger.NewNullReporter(), random)
	client.tracer = tracer.(*jaeger.Tracer)
	return client
}

func (client *jaegerClient) start(operation string, low uint64) (bool, string, string) {
	client.low = low
	span := client.tracer.StartSpan(operation).(*jaeger.Span)
	defer span.Finish()
	kind, param := "none", "none"
	tags := span.Tags()
	if value, ok := tags[jaeger.SamplerTypeTagKey]; ok {
		kind = fmt.Sprint(value)
	}
	if value, ok := tags[jaeger.SamplerParamTagKey]; ok {
		param = fmt.Sprint(value)
	}
	return span.SpanContext().IsSampled(), kind, param
}
