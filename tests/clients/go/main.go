// Clients sends a few spans by a client from its registry and prints what was sent.
//
//	clients PROGRAM ADDRESS [flags]
//
// The address is host:port of the listener that the program speaks to. What it prints is a Report,
// in the terms of the client: what becomes of it in a store is for the test to know.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

// Options are the flags, of which each program looks at those that concern it.
type Options struct {
	Address string
	// Gzip has bodies and messages compressed.
	Gzip bool
	// CA, Cert and Key are PEM files; without a CA the talk is plain.
	CA, Cert, Key string
}

var programs = map[string]func(Options) (Report, error){
	"otlp-grpc":    otlpGRPC,
	"otlp-http":    otlpHTTP,
	"jaeger-udp":   jaegerUDP,
	"jaeger-http":  jaegerHTTP,
	"jaeger-grpc":  jaegerGRPC,
	"zipkin-json":  zipkinJSON,
	"zipkin-proto": zipkinProto,
	"zipkin-grpc":  zipkinGRPC,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("usage: clients PROGRAM ADDRESS [flags]")
	}
	program, found := programs[arguments[0]]
	if !found {
		return fmt.Errorf("no program %q", arguments[0])
	}
	options := Options{Address: arguments[1]}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	flags.BoolVar(&options.Gzip, "gzip", false, "compress what is sent")
	flags.StringVar(&options.CA, "ca", "", "file of the CA of the server")
	flags.StringVar(&options.Cert, "cert", "", "file of the certificate that is shown")
	flags.StringVar(&options.Key, "key", "", "file of its key")
	if err := flags.Parse(arguments[2:]); err != nil {
		return err
	}
	report, err := program(options)
	if err != nil {
		return fmt.Errorf("%s: %w", arguments[0], err)
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}
