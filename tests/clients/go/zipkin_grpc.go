package main

import (
	"context"
	"time"

	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/zipkin_proto3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// SpanService/Report with the client's messages; it has no stub of the service, whose answer is empty.
func zipkinGRPC(options Options) (Report, error) {
	recorder := &recorder{}
	if err := makeZipkin(recorder); err != nil {
		return Report{}, err
	}
	connection, err := options.dial()
	if err != nil {
		return Report{}, err
	}
	defer connection.Close()
	list, err := messages(recorder.spans)
	if err != nil {
		return Report{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := connection.Invoke(ctx, "/zipkin.proto3.SpanService/Report", list, &emptypb.Empty{}); err != nil {
		return Report{}, err
	}
	return recorder.report(), nil
}

func messages(spans []model.SpanModel) (*zipkin_proto3.ListOfSpans, error) {
	var pointers []*model.SpanModel
	for index := range spans {
		pointers = append(pointers, &spans[index])
	}
	bytes, err := zipkin_proto3.SpanSerializer{}.Serialize(pointers)
	if err != nil {
		return nil, err
	}
	list := &zipkin_proto3.ListOfSpans{}
	return list, proto.Unmarshal(bytes, list)
}
