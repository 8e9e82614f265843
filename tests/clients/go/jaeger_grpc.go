package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/grpc"
)

// gogo writes Jaeger's messages, whose ids are types of their own; grpc's own codec cannot.
type gogo struct{}

func (gogo) Marshal(message any) ([]byte, error)  { return proto.Marshal(message.(proto.Message)) }
func (gogo) Unmarshal(bytes []byte, to any) error { return proto.Unmarshal(bytes, to.(proto.Message)) }
func (gogo) Name() string                         { return "proto" }

// CollectorService/PostSpans, which jaeger-agent speaks to jaeger-collector.
func jaegerGRPC(options Options) (Report, error) {
	connection, err := options.dial()
	if err != nil {
		return Report{}, err
	}
	defer connection.Close()
	client := api_v2.NewCollectorServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	report := Report{}
	for _, batch := range batches() {
		if _, err := client.PostSpans(ctx, &api_v2.PostSpansRequest{Batch: batch}, grpc.ForceCodec(gogo{})); err != nil {
			return Report{}, err
		}
		for _, span := range batch.Spans {
			report.Spans = append(report.Spans, ofModel(span, batch.Process))
		}
	}
	return report, nil
}

// One batch whose process is that of all spans, and one whose spans have their own.
func batches() []model.Batch {
	start := begin().UTC()
	trace := model.NewTraceID(uint64(start.UnixNano()), 0xf00d)
	server := &model.Span{
		TraceID: trace, SpanID: model.NewSpanID(1), OperationName: "GET /checkout", Flags: 1,
		StartTime: start, Duration: 20 * time.Millisecond,
		Tags: model.KeyValues{
			model.String("span.kind", "server"), model.String("text", "é & <b>"), model.String("empty", ""),
			model.Bool("yes", true), model.Bool("no", false), model.Int64("large", 9007199254740993),
			model.Int64("negative", -1), model.Float64("share", 0.75), model.Binary("bytes", []byte{0, 255, 16}),
		},
	}
	client := &model.Span{
		TraceID: trace, SpanID: model.NewSpanID(2), OperationName: "charge", Flags: 3,
		References: []model.SpanRef{
			model.NewChildOfRef(trace, server.SpanID),
			model.NewFollowsFromRef(model.NewTraceID(0, 77), model.NewSpanID(78)),
		},
		StartTime: start.Add(time.Millisecond), Duration: 1500 * time.Nanosecond,
		Logs: []model.Log{{Timestamp: start.Add(2 * time.Millisecond), Fields: []model.KeyValue{
			model.String("event", "retry"), model.Int64("attempt", 2),
		}}},
	}
	own := *server
	own.SpanID, own.Process = model.NewSpanID(3), model.NewProcess("bank", []model.KeyValue{model.Bool("own", true)})
	shared := model.NewProcess("shop", []model.KeyValue{model.String("zone", "a"), model.Int64("cores", 4)})
	return []model.Batch{
		{Spans: []*model.Span{server, client}, Process: shared},
		{Spans: []*model.Span{&own}},
	}
}

func ofModel(span *model.Span, process *model.Process) Span {
	if span.Process != nil {
		process = span.Process
	}
	out := Span{
		TraceID:  span.TraceID.String(),
		SpanID:   span.SpanID.String(),
		Service:  process.ServiceName,
		Name:     span.OperationName,
		Start:    span.StartTime.UnixNano(),
		End:      span.StartTime.Add(span.Duration).UnixNano(),
		Flags:    uint32(span.Flags),
		Tags:     ofKeyValues(span.Tags),
		Resource: ofKeyValues(process.Tags),
	}
	for _, reference := range span.References {
		out.Links = append(out.Links, Link{reference.TraceID.String(), reference.SpanID.String(), reference.RefType.String()})
	}
	for _, log := range span.Logs {
		out.Logs = append(out.Logs, Log{Time: log.Timestamp.UnixNano(), Fields: ofKeyValues(log.Fields)})
	}
	return out
}

func ofKeyValues(pairs []model.KeyValue) []Tag {
	tags := []Tag{}
	for _, pair := range pairs {
		switch pair.VType {
		case model.StringType:
			tags = append(tags, tag(pair.Key, pair.VStr))
		case model.BoolType:
			tags = append(tags, tag(pair.Key, pair.VBool))
		case model.Int64Type:
			tags = append(tags, tag(pair.Key, pair.VInt64))
		case model.Float64Type:
			tags = append(tags, tag(pair.Key, pair.VFloat64))
		case model.BinaryType:
			tags = append(tags, tag(pair.Key, pair.VBinary))
		default:
			panic(fmt.Sprint("no type ", pair.VType))
		}
	}
	return tags
}
