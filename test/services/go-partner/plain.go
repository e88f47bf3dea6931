package partner

import (
	"context"
	"net"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
)

// ServePlain serves with nothing but gRPC. What publish does to register the service, its answer undoes.
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
		UntilAsked()
		withdraw()
		server.GracefulStop()
		return nil
	}
}

// Unpublished is for services whose address everyone knows.
func Unpublished(Service, *grpc.Server, net.Listener) (withdraw func(), err error) {
	return func() {}, nil
}

// UntilAsked waits for whoever wants the program to end.
func UntilAsked() {
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	<-asked.Done()
}
