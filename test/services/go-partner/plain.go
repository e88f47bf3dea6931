package partner

import (
	"context"
	"net"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
)

// ServePlain serves with gRPC and no framework. publish registers the service and returns its deregistration.
func ServePlain(publish func(Service, *grpc.Server, net.Listener) (withdraw func(), err error)) func(Service) error {
	return func(s Service) error {
		listener, err := net.Listen("tcp", s.Address)
		if err != nil {
			return err
		}
		server := grpc.NewServer()
		RegisterBusi(server)
		go func() { Check(server.Serve(listener)) }()

		withdraw, err := publish(s, server, listener)
		if err != nil {
			return err
		}
		s.Announce()
		WaitForSignal()
		withdraw()
		server.GracefulStop()
		return nil
	}
}

// Unpublished is for services without a registry.
func Unpublished(Service, *grpc.Server, net.Listener) (withdraw func(), err error) {
	return func() {}, nil
}

// WaitForSignal waits for SIGINT or SIGTERM.
func WaitForSignal() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
}
