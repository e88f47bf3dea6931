package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"partner"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	_ "github.com/dtm-labs/dtmdriver-ego"
	_ "github.com/dtm-labs/dtmdriver-gozero"
	_ "github.com/dtm-labs/dtmdriver-kratos"
	_ "github.com/dtm-labs/dtmdriver-polaris"
	"github.com/go-kratos/kratos/v2/transport/grpc/resolver/discovery"
	"google.golang.org/grpc/resolver"
	"google.golang.org/protobuf/runtime/protoimpl"
)

// begin is the role of an initiator, which runs a saga and waits for its result; over HTTP with an HTTP address of dtm,
// otherwise over gRPC.
func begin(args []string) (err error) {
	defer dtmimp.P2E(&err) // the client panics when it gets no gid
	var actions, compensates list
	service := partner.Service{Registry: &url.URL{}}
	flags := flag.NewFlagSet("begin", flag.ExitOnError)
	driver := flags.String("driver", "default", "name of the driver")
	dtm := flags.String("dtm", "", "address of dtm")
	amount := flags.Int64("amount", 30, "amount to transfer from user 1 to user 2")
	flags.Var(&actions, "action", "URL of an action")
	flags.Var(&compensates, "compensate", "URL of its compensation")
	flags.Func("registry", "registry in which kratos, ego and polaris find dtm", func(value string) (err error) {
		service.Registry, err = url.Parse(value)
		return
	})
	_ = flags.Parse(args)

	if len(actions) != len(compensates) {
		return errors.New("each action needs a compensation")
	}
	if strings.HasPrefix(*dtm, "http") {
		return beginHTTP(*dtm, actions, compensates, *amount)
	}
	if err := use(*driver, service); err != nil {
		return err
	}
	gid := dtmgrpc.MustGenGid(*dtm)
	fmt.Println("gid", gid)
	saga := dtmgrpc.NewSagaGrpc(*dtm, gid)
	saga.WaitResult = true
	for step, action := range actions {
		saga.Add(action, compensates[step], protoimpl.X.ProtoMessageV2Of(transferOf(step, *amount)))
	}
	return saga.Submit()
}

func beginHTTP(dtm string, actions, compensates []string, amount int64) error {
	gid := dtmcli.MustGenGid(dtm)
	fmt.Println("gid", gid)
	saga := dtmcli.NewSaga(dtm, gid)
	saga.WaitResult = true
	for step, action := range actions {
		saga.Add(action, compensates[step], transferOf(step, amount))
	}
	return saga.Submit()
}

// use registers the gRPC resolver of a driver. Some drivers leave a part of the setup to their framework.
func use(driver string, service partner.Service) error {
	switch driver {
	case "dtm-driver-kratos":
		registry, err := partner.KratosRegistry(service)
		if err != nil {
			return err
		}
		resolver.Register(discovery.NewBuilder(registry, discovery.WithInsecure(true)))
	case "dtm-driver-ego":
		if _, err := egoRegistry(service); err != nil {
			return err
		}
	case "dtm-driver-polaris":
		usePolaris(service)
	}
	return dtmgrpc.UseDriver(driver)
}

// transferOf is the payload of a step: the first step debits user 1, the second credits user 2.
func transferOf(step int, amount int64) *partner.Transfer {
	return &partner.Transfer{Amount: amount, UserID: int64(step + 1)}
}

// list is a repeatable flag.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}
