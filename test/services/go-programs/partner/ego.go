package main

import (
	"context"
	"fmt"
	"strings"

	"partner"

	"github.com/BurntSushi/toml"
	"github.com/gotomicro/ego-component/eetcd"
	"github.com/gotomicro/ego-component/eetcd/registry"
	"github.com/gotomicro/ego/core/econf"
	"github.com/gotomicro/ego/server/egrpc"
)

// serveEgo runs the gRPC server and the registry of ego, connected as in an ego application. The application itself does
// not build with dtm's module graph.
func serveEgo(s partner.Service) error {
	registry, err := egoRegistry(s)
	if err != nil {
		return err
	}
	server := egrpc.Load("server.grpc").Build()
	partner.RegisterBusi(server)
	if err := server.Init(); err != nil {
		return err
	}
	info := server.Info()
	info.Name = s.Name // ego takes the name from the environment
	if err := registry.RegisterService(context.Background(), info); err != nil {
		return err
	}
	go func() { partner.Check(server.Start()) }()

	s.Announce()
	partner.WaitForSignal()
	if err := registry.UnregisterService(context.Background(), info); err != nil {
		return err
	}
	return server.GracefulStop(context.Background())
}

// egoRegistry creates the registry of ego on etcd, where registrations expire after ten seconds. It also registers the
// resolver for clients.
func egoRegistry(s partner.Service) (*registry.Component, error) {
	if s.Registry.Scheme != "etcd" {
		return nil, s.UnknownRegistry()
	}
	settings := fmt.Sprintf("[etcd]\naddrs = [%q]\n[registry]\nserviceTTL = \"10s\"\n", s.Registry.Host)
	if s.Address != "" {
		host, port := s.Endpoint()
		settings += fmt.Sprintf("[server.grpc]\nhost = %q\nport = %d\n", host, port)
	}
	if err := econf.LoadFromReader(strings.NewReader(settings), toml.Unmarshal); err != nil {
		return nil, err
	}
	return registry.Load("registry").Build(registry.WithClientEtcd(eetcd.Load("etcd").Build())), nil
}
