package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
)

// dial gives a connection of gRPC to the address.
func (options Options) dial() (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if options.CA != "" {
		var err error
		if transport, err = options.credentials(); err != nil {
			return nil, err
		}
	}
	settings := []grpc.DialOption{grpc.WithTransportCredentials(transport)}
	if options.Gzip {
		settings = append(settings, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	}
	return grpc.NewClient(options.Address, settings...)
}

// credentials trust the CA alone, and show the certificate if there is one.
func (options Options) credentials() (credentials.TransportCredentials, error) {
	authority, err := os.ReadFile(options.CA)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("no certificate in %s", options.CA)
	}
	if options.Cert != "" {
		pair, err := tls.LoadX509KeyPair(options.Cert, options.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}
