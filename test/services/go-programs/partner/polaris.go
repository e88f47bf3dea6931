package main

import (
	"net"

	"partner"

	grpcpolaris "github.com/polarismesh/grpc-go-polaris"
	"google.golang.org/grpc"
)

// publishOnPolaris registers in the namespace "default". Polaris counts the instance as unhealthy until the first
// heartbeat, one TTL later.
func publishOnPolaris(s partner.Service, server *grpc.Server, listener net.Listener) (withdraw func(), err error) {
	usePolaris(s)
	host, _ := s.Endpoint()
	registered, err := grpcpolaris.Register(server, listener,
		grpcpolaris.WithServerApplication(s.Name),
		grpcpolaris.WithServerHost(host),
		grpcpolaris.WithTTL(2),
	)
	if err != nil {
		return nil, err
	}
	return registered.Deregister, nil
}

// usePolaris sets what applications configure in polaris.yaml.
func usePolaris(s partner.Service) {
	grpcpolaris.PolarisConfig().GetGlobal().GetServerConnector().SetAddresses(s.Hosts())
}
