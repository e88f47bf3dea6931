module partner

go 1.22

// What the partners of go-programs and go-partners-new have in common, built only as a part of them. These versions are
// those of dtm's graph; go-partners-new raises them.
require (
	github.com/go-kratos/kratos/contrib/registry/consul/v2 v2.0.0-20220414054820-d0b704b8f38d
	github.com/go-kratos/kratos/contrib/registry/etcd/v2 v2.0.0-20220301040457-03ad2b663624
	github.com/go-kratos/kratos/v2 v2.2.1
	github.com/hashicorp/consul/api v1.19.1
	github.com/zeromicro/go-zero v1.4.4
	go.etcd.io/etcd/client/v3 v3.5.5
	google.golang.org/grpc v1.56.3
	google.golang.org/protobuf v1.34.1
)
