package partner

import (
	"fmt"
	"strings"

	"github.com/zeromicro/go-zero/core/conf"
	"github.com/zeromicro/go-zero/core/proc"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc"
)

// ServeGoZero runs a zrpc server. On etcd it registers by itself, for other registries its users do that beside it.
func ServeGoZero(s Service) error {
	var config zrpc.RpcServerConf
	if err := configure(&config, s, `
Name: busi
ListenOn: `+s.Address+`
CpuThreshold: 0 # or it sheds load on a busy test machine
Log: { Level: error, Stat: false }
`); err != nil {
		return err
	}
	server, err := zrpc.NewServer(config, func(server *grpc.Server) { RegisterBusi(server) })
	if err != nil {
		return err
	}
	go s.AnnounceWhenListening()
	// It stops serving before its registrations are taken back, on most registries a second after the signal.
	taken := proc.AddShutdownListener(func() {})
	server.Start()
	taken()
	return nil
}

// CallGoZero finds the service by its name on etcd, and calls it once.
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
