package partner

import (
	"flag"
	"fmt"
	"net/url"
	"os"

	"github.com/zeromicro/go-zero/core/logx"
)

// Role runs the program in a role, with the arguments after the name of the role.
type Role func(args []string) error

// Main runs the role in the first argument.
func Main(roles map[string]Role) {
	// go-zero logs in every program that links it
	logx.SetLevel(logx.ErrorLevel)
	logx.DisableStat()
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		Check(fmt.Errorf("%v: no role", os.Args[1:]))
	}
	Check(roles[os.Args[1]](os.Args[2:]))
}

// Check ends the program after an error.
func Check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// Serving creates the role of a service for the given frameworks.
func Serving(frameworks map[string]func(Service) error) Role {
	return func(args []string) error {
		flags, service, framework := newFlags()
		flags.StringVar(&service.Address, "address", "127.0.0.1:0", "address to listen on")
		_ = flags.Parse(args)
		serve := frameworks[*framework]
		if serve == nil {
			return fmt.Errorf("unknown framework %q", *framework)
		}
		return serve(*service)
	}
}

// Call is the role of a caller, which finds a service by name with a framework and calls it once.
func Call(args []string) error {
	flags, service, framework := newFlags()
	amount := flags.Int64("amount", 30, "amount to transfer")
	_ = flags.Parse(args)
	switch *framework {
	case "gozero":
		return CallGoZero(*service, *amount)
	case "kratos":
		return CallKratos(*service, *amount)
	}
	return fmt.Errorf("unknown framework %q", *framework)
}

func newFlags() (flags *flag.FlagSet, service *Service, framework *string) {
	flags = flag.NewFlagSet("partner", flag.ExitOnError)
	service = &Service{Registry: &url.URL{}}
	framework = flags.String("framework", "plain", "framework to use")
	flags.StringVar(&service.Name, "name", "busi", "name of the service")
	flags.Func("registry", "URL of the registry, e.g. etcd://127.0.0.1:2379", func(value string) (err error) {
		service.Registry, err = url.Parse(value)
		return
	})
	return
}
