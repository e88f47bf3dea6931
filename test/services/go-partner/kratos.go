package partner

import (
	"context"
	"io"
	"time"

	consulregistry "github.com/go-kratos/kratos/contrib/registry/consul/v2"
	etcdregistry "github.com/go-kratos/kratos/contrib/registry/etcd/v2"
	"github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/log"
	"github.com/go-kratos/kratos/v2/registry"
	"github.com/go-kratos/kratos/v2/transport/grpc"
	"github.com/hashicorp/consul/api"
	etcd "go.etcd.io/etcd/client/v3"
)

// ServeKratos runs a kratos app with one gRPC server.
func ServeKratos(s Service) error {
	log.SetLogger(log.NewStdLogger(io.Discard))
	registrar, err := KratosRegistry(s)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.Address(s.Address))
	RegisterBusi(server)
	return kratos.New(
		kratos.Name(s.Name),
		kratos.Version("v1.0.0"),
		kratos.Server(server),
		kratos.Registrar(announcingRegistrar{registrar, s}),
	).Run()
}

// CallKratos finds the service by name and calls it once.
func CallKratos(s Service, amount int64) error {
	log.SetLogger(log.NewStdLogger(io.Discard))
	discovery, err := KratosRegistry(s)
	if err != nil {
		return err
	}
	connection, err := grpc.DialInsecure(
		context.Background(),
		grpc.WithEndpoint("discovery:///"+s.Name),
		grpc.WithDiscovery(discovery),
		grpc.WithTimeout(10*time.Second),
	)
	if err != nil {
		return err
	}
	return CallTransIn(connection, amount)
}

// KratosRegistry creates the registry of kratos, which registers and discovers, on etcd or Consul.
func KratosRegistry(s Service) (interface {
	registry.Registrar
	registry.Discovery
}, error) {
	switch s.Registry.Scheme {
	case "etcd":
		client, err := etcd.New(etcd.Config{Endpoints: s.Hosts()})
		if err != nil {
			return nil, err
		}
		return etcdregistry.New(client), nil
	case "consul":
		client, err := api.NewClient(&api.Config{Address: s.Registry.Host})
		if err != nil {
			return nil, err
		}
		return consulregistry.New(client), nil
	}
	return nil, s.UnknownRegistry()
}

// announcingRegistrar announces the service after its registration, which kratos does after it starts to listen.
type announcingRegistrar struct {
	registry.Registrar
	service Service
}

func (a announcingRegistrar) Register(ctx context.Context, instance *registry.ServiceInstance) error {
	err := a.Registrar.Register(ctx, instance)
	if err == nil {
		a.service.Announce()
	}
	return err
}
