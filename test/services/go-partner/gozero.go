package partner

import (
	"fmt"
	"strings"

	"github.com/zeromicro/go-zero/core/conf"
	"github.com/zeromicro/go-zero/core/proc"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc"
)

// ServeGoZero runs a zrpc server. The server registers itself in etcd; for other registries, the application does.
func ServeGoZero(s Service) error {
	var config zrpc.RpcServerConf
	if err := configure(&config, s, `
Name: busi
ListenOn: `+s.Address+`
CpuThreshold: 0 # no load shedding on a busy test machine
Log: { Level: error, Stat: false }
`); err != nil {
		return err
	}
	server, err := zrpc.NewServer(config, func(server *grpc.Server) { RegisterBusi(server) })
	if err != nil {
		return err
	}
	go s.AnnounceWhenListening()
	// The server stops before go-zero deregisters, which takes a second on most registries: wait for it.
	deregistered := proc.AddShutdownListener(func() {})
	server.Start()
	deregistered()
	return nil
}

// CallGoZero finds the service by name in etcd and calls it once.
func CallGoZero(s Service, amount int64) error {
	var config zrpc.RpcClientConf
	if err := configure(&config, s, "Timeout: 10000"); err != nil {
		return err
	}
	client, err := zrpc.NewClient(config)
	if err != nil {
		return err
	}
	return CallTransIn(client.Conn(), amount)
}

func configure(config any, s Service, yaml string) error {
	if s.Registry.Scheme == "etcd" {
		yaml += fmt.Sprintf("\nEtcd: { Hosts: [%s], Key: %s }\n", strings.Join(s.Hosts(), ","), s.Name)
	}
	return conf.LoadFromYamlBytes([]byte(yaml), config)
}
