package main

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"sync"
	"time"

	"github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/zipkin_proto3"
	"github.com/openzipkin/zipkin-go/reporter"
	zipkinhttp "github.com/openzipkin/zipkin-go/reporter/http"
)

func zipkinJSON(options Options) (Report, error) {
	return reportZipkin(options, reporter.JSONSerializer{})
}

func zipkinProto(options Options) (Report, error) {
	return reportZipkin(options, zipkin_proto3.SpanSerializer{})
}

// Sends a trace by the client's reporter, as a program would.
func reportZipkin(options Options, serializer reporter.SpanSerializer) (Report, error) {
	answers := &answers{}
	sender := zipkinhttp.NewReporter("http://"+options.Address+"/api/v2/spans",
		zipkinhttp.Serializer(serializer), zipkinhttp.Client(&http.Client{Transport: answers, Timeout: 30 * time.Second}))
	recorder := &recorder{to: sender}
	if err := makeZipkin(recorder); err != nil {
		return Report{}, err
	}
	if err := sender.Close(); err != nil {
		return Report{}, err
	}
	if err := answers.check(); err != nil {
		return Report{}, err
	}
	return recorder.report(), nil
}

// answers notes what the server said, which the reporter only logs.
type answers struct {
	mutex  sync.Mutex
	codes  []int
	failed error
}

func (answers *answers) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	answers.mutex.Lock()
	defer answers.mutex.Unlock()
	if err != nil {
		answers.failed = err
		return nil, err
	}
	answers.codes = append(answers.codes, response.StatusCode)
	return response, nil
}

func (answers *answers) check() error {
	answers.mutex.Lock()
	defer answers.mutex.Unlock()
	for _, code := range answers.codes {
		if code != http.StatusAccepted {
			return fmt.Errorf("answer %d", code)
		}
	}
	if len(answers.codes) == 0 && answers.failed == nil {
		return fmt.Errorf("nothing was sent")
	}
	return answers.failed
}

// recorder notes the spans that a reporter is given; to may be nil.
type recorder struct {
	to    reporter.Reporter
	spans []model.SpanModel
}

func (recorder *recorder) Send(span model.SpanModel) {
	recorder.spans = append(recorder.spans, span)
	if recorder.to != nil {
		recorder.to.Send(span)
	}
}

func (*recorder) Close() error { return nil }

func (recorder *recorder) report() Report {
	report := Report{}
	for _, span := range recorder.spans {
		report.Spans = append(report.Spans, ofZipkin(span))
	}
	return report
}

func makeZipkin(to reporter.Reporter) error {
	local, err := zipkin.NewEndpoint("shop", "192.0.2.7:8080")
	if err != nil {
		return err
	}
	remote, err := zipkin.NewEndpoint("bank", "[2001:db8::1]:443")
	if err != nil {
		return err
	}
	tracer, err := zipkin.NewTracer(to, zipkin.WithLocalEndpoint(local), zipkin.WithTraceID128Bit(true),
		zipkin.WithTags(map[string]string{"zone": "a"}))
	if err != nil {
		return err
	}
	start := begin().Truncate(time.Microsecond)
	after := func(milliseconds int) time.Time { return start.Add(time.Duration(milliseconds) * time.Millisecond) }
	server := tracer.StartSpan("get /checkout", zipkin.Kind(model.Server), zipkin.StartTime(start))
	server.Tag("http.path", "/checkout?a=1&b=é")
	server.Tag("http.status_code", "200")
	client, _ := tracer.StartSpanFromContext(zipkin.NewContext(context.Background(), server), "charge",
		zipkin.Kind(model.Client), zipkin.StartTime(after(1)), zipkin.RemoteEndpoint(remote))
	client.Annotate(after(2), "retry")
	client.Annotate(after(3), "gave up")
	client.Tag("error", "card declined")
	client.FinishedWithDuration(3 * time.Millisecond)
	for number, kind := range []model.Kind{model.Producer, model.Consumer, model.Undetermined} {
		span := tracer.StartSpan("step", zipkin.Kind(kind), zipkin.Parent(server.Context()), zipkin.StartTime(after(5+number)))
		span.FinishedWithDuration(time.Millisecond)
	}
	server.FinishedWithDuration(20 * time.Millisecond)
	return nil
}

func ofZipkin(span model.SpanModel) Span {
	out := Span{
		TraceID: span.TraceID.String(),
		SpanID:  span.ID.String(),
		Service: span.LocalEndpoint.ServiceName,
		Name:    span.Name,
		Kind:    string(span.Kind),
		Start:   span.Timestamp.UnixNano(),
		End:     span.Timestamp.Add(span.Duration).UnixNano(),
		Local:   endpoint(span.LocalEndpoint),
		Remote:  endpoint(span.RemoteEndpoint),
	}
	if span.ParentID != nil {
		out.ParentID = span.ParentID.String()
	}
	for key, value := range span.Tags {
		out.Tags = append(out.Tags, tag(key, value))
	}
	sort.Slice(out.Tags, func(a, b int) bool { return out.Tags[a].Key < out.Tags[b].Key })
	for _, annotation := range span.Annotations {
		out.Logs = append(out.Logs, Log{Time: annotation.Timestamp.UnixNano(), Name: annotation.Value})
	}
	return out
}

func endpoint(endpoint *model.Endpoint) *Endpoint {
	if endpoint == nil {
		return nil
	}
	address := endpoint.IPv4
	if address == nil {
		address = endpoint.IPv6
	}
	return &Endpoint{endpoint.ServiceName, address.String(), endpoint.Port}
}
