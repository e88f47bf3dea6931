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

// serveEgo runs ego's gRPC server and its registry, and does between them what an ego application does; that itself
// does not build on dtm's graph.
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
	info.Name = s.Name // an application's comes from the environment
	if err := registry.RegisterService(context.Background(), info); err != nil {
		return err
	}
	go func() { partner.Check(server.Start()) }()

	s.Announce()
	partner.UntilAsked()
	if err := registry.UnregisterService(context.Background(), info); err != nil {
		return err
	}
	return server.GracefulStop(context.Background())
}

// egoRegistry is ego's registry on etcd, where services expire after ten seconds. It makes them resolvable for clients,
// too.
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
