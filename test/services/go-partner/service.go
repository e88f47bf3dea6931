package partner

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Service is the service to register, or to call, and its registry.
type Service struct {
	Registry *url.URL // scheme: kind of registry; host: addresses
	Name     string
	Address  string
}

// Hosts are the addresses of the registry.
func (s Service) Hosts() []string { return strings.Split(s.Registry.Host, ",") }

// Endpoint is the host and the port of the service.
func (s Service) Endpoint() (host string, port int) {
	address, err := net.ResolveTCPAddr("tcp", s.Address)
	Check(err)
	return address.IP.String(), address.Port
}

// UnknownRegistry is the error for a registry that the framework does not support.
func (s Service) UnknownRegistry() error {
	return fmt.Errorf("registry %q is not supported for this framework", s.Registry.Scheme)
}

// Announce prints that the service is ready.
func (s Service) Announce() {
	fmt.Printf("%s is ready on %s\n", s.Name, s.Address)
}

// AnnounceWhenListening is Announce for frameworks that register before they listen.
func (s Service) AnnounceWhenListening() {
	for {
		connection, err := net.Dial("tcp", s.Address)
		if err == nil {
			_ = connection.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Announce()
}
