// Polling runs clients from their registries that ask a collector how much to sample, and says what
// they do with the answer.
//
//	polling otel URL SERVICE     OpenTelemetry's SDK with the remote sampler of Jaeger
//	polling jaeger URL SERVICE   Jaeger's own client
//	polling grpc HOST:PORT SERVICE   the stubs of Jaeger's SamplingManager
//
// The first two read lines `COUNT OPERATION` and answer each with `SAMPLED TYPE PARAM`: of COUNT
// root spans, with trace ids that lie evenly over all ids, so many were sampled, by a sampler of that
// type. They poll meanwhile.
package main

import (
	"bufio"
	"fmt"
	"math/big"
	"os"
	"time"
)

// interval is that of the polls.
const interval = 20 * time.Millisecond

// sampler starts root spans.
type sampler interface {
	// start tells whether a span was sampled, and by which type of sampler with which parameter.
	start(operation string, low uint64) (sampled bool, kind, param string)
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: polling otel|jaeger|grpc WHERE SERVICE"))
	}
	where, service := os.Args[2], os.Args[3]
	switch os.Args[1] {
	case "otel":
		answer(newOtel(where, service))
	case "jaeger":
		answer(newJaeger(where, service))
	case "grpc":
		ask(where, service)
	default:
		fail(fmt.Errorf("no such client: %s", os.Args[1]))
	}
}

func answer(client sampler) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var count uint64
		var operation string
		if _, err := fmt.Sscanf(lines.Text(), "%d %s", &count, &operation); err != nil {
			fail(err)
		}
		total, kind, param := 0, "none", "none"
		for index := uint64(0); index < count; index++ {
			if sampled, by, with := client.start(operation, spread(index, count)); sampled {
				total, kind, param = total+1, by, with
			}
		}
		fmt.Println(total, kind, param)
	}
}

// spread is the middle of the part that has this index, of all numbers of 64 bits in so many parts.
func spread(index, count uint64) uint64 {
	twice := new(big.Int).SetUint64(2*index + 1)
	middle := new(big.Int).Div(twice.Lsh(twice, 63), new(big.Int).SetUint64(count))
	return middle.Uint64()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
