package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// ask prints the answer as the stubs decode it, and the health of the service.
func ask(where, service string) {
	connection, err := grpc.NewClient(where, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fail(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	asked := &api_v2.SamplingStrategyParameters{ServiceName: service}
	answer, err := api_v2.NewSamplingManagerClient(connection).GetSamplingStrategy(ctx, asked)
	if err != nil {
		fail(err)
	}
	health, err := grpc_health_v1.NewHealthClient(connection).Check(
		ctx, &grpc_health_v1.HealthCheckRequest{Service: "jaeger.api_v2.SamplingManager"},
	)
	if err != nil {
		fail(err)
	}
	fmt.Println(answer.GetStrategyType())
	if probabilistic := answer.GetProbabilisticSampling(); probabilistic != nil {
		fmt.Println("probability", probabilistic.GetSamplingRate())
	}
	if limit := answer.GetRateLimitingSampling(); limit != nil {
		fmt.Println("limit", limit.GetMaxTracesPerSecond())
	}
	if operations := answer.GetOperationSampling(); operations != nil {
		fmt.Println("otherwise", operations.GetDefaultSamplingProbability())
		for _, operation := range operations.GetPerOperationStrategies() {
			fmt.Println("operation", operation.GetOperation(), operation.GetProbabilisticSampling().GetSamplingRate())
		}
	}
	fmt.Println("health", health.GetStatus())
}
