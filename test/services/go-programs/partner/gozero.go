package main

import (
	"partner"

	"github.com/zeromicro/zero-contrib/zrpc/registry/consul"
	"github.com/zeromicro/zero-contrib/zrpc/registry/nacos"
)

// serveGoZero registers in a registry other than etcd, as go-zero applications do, and serves.
func serveGoZero(s partner.Service) error {
	var err error
	switch s.Registry.Scheme {
	case "etcd":
	case "consul":
		err = consul.RegisterService(s.Address, consul.Conf{
			Host: s.Registry.Host,
			Key:  s.Name,
			Tag:  []string{"tag", "rpc"},
			Meta: map[string]string{"Protocol": "grpc"},
		})
	case "nacos":
		server, client := nacosConfig(s)
		err = nacos.RegisterService(nacos.NewNacosConfig(s.Name, s.Address, server, client))
	default:
		err = s.UnknownRegistry()
	}
	if err != nil {
		return err
	}
	return partner.ServeGoZero(s)
}
