// Package main is the dtm server with the driver dtm-driver-protocol1, which the binary of dtm lacks since 1.16. It
// follows the driver guide of DTM.
package main

import (
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/dtm-labs/dtm/dtmsvr/entry"
	_ "github.com/dtm-labs/dtm/dtmsvr/microservices"
	"github.com/dtm-labs/dtmdriver"
	"google.golang.org/grpc/resolver"
)

// Version is set by -ldflags.
var Version string

func main() {
	dtmdriver.Register(&driver{})
	app, _ := entry.Main(&Version)
	if app == nil {
		return
	}
	// the main of dtm serves the admin pages last: tests wait for this URL
	app.StaticFS("/admin", http.FS(embed.FS{}))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}

type driver struct{}

func (*driver) GetName() string { return "dtm-driver-protocol1" }

func (*driver) RegisterAddrResolver() { resolver.Register(&builder{}) }

func (*driver) RegisterService(target string, endpoint string) error { return nil }

// ParseServerMethod splits URLs like the drivers of protocol1 and kratos.
func (*driver) ParseServerMethod(uri string) (server string, method string, err error) {
	if !strings.Contains(uri, "//") {
		sep := strings.IndexByte(uri, '/')
		if sep == -1 {
			return "", "", fmt.Errorf("bad url: '%s'. no '/' found", uri)
		}
		return uri[:sep], uri[sep:], nil
	}
	u, err := url.Parse(uri)
	if err != nil {
		return "", "", err
	}
	index := strings.IndexByte(u.Path[1:], '/') + 1
	return u.Scheme + "://" + u.Host + u.Path[:index], u.Path[index:], nil
}

// builder creates resolvers for one fixed address.
type builder struct{}

func (*builder) Scheme() string { return "protocol1" }

func (*builder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	address := target.Endpoint()
	if address == "" {
		address = target.URL.Host
	}
	return fixed{}, cc.UpdateState(resolver.State{Addresses: []resolver.Address{{Addr: address}}})
}

type fixed struct{}

func (fixed) ResolveNow(resolver.ResolveNowOptions) {}

func (fixed) Close() {}
