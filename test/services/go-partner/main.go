package partner

import (
	"flag"
	"fmt"
	"net/url"
	"os"

	"github.com/zeromicro/go-zero/core/logx"
)

// Role is what a partner can be, given the arguments that follow the role's name.
type Role func(args []string) error

// Main is the main function of a partner.
func Main(roles map[string]Role) {
	// go-zero speaks up in any program it is linked into.
	logx.SetLevel(logx.ErrorLevel)
	logx.DisableStat()
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		Check(fmt.Errorf("%v: no role", os.Args[1:]))
	}
	Check(roles[os.Args[1]](os.Args[2:]))
}

// Check ends the program when something went wrong.
func Check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// Serving is the role of a service, in the way of each framework.
func Serving(frameworks map[string]func(Service) error) Role {
	return func(args []string) error {
		flags, service, framework := newFlags()
		flags.StringVar(&service.Address, "address", "127.0.0.1:0", "what to listen on")
		_ = flags.Parse(args)
		serve := frameworks[*framework]
		if serve == nil {
			return fmt.Errorf("framework %q is not known here", *framework)
		}
		return serve(*service)
	}
}

// Call is the role of a caller: it finds the service by its name, in the way of a framework, and calls it once.
func Call(args []string) error {
	flags, service, framework := newFlags()
	amount := flags.Int64("amount", 30, "what to transfer")
	_ = flags.Parse(args)
	switch *framework {
	case "gozero":
		return CallGoZero(*service, *amount)
	case "kratos":
		return CallKratos(*service, *amount)
	}
	return fmt.Errorf("framework %q is not known here", *framework)
}

func newFlags() (flags *flag.FlagSet, service *Service, framework *string) {
	flags = flag.NewFlagSet("partner", flag.ExitOnError)
	service = &Service{Registry: &url.URL{}}
	framework = flags.String("framework", "plain", "whose way to take")
	flags.StringVar(&service.Name, "name", "busi", "name of the service")
	flags.Func("registry", "such as etcd://127.0.0.1:2379", func(value string) (err error) {
		service.Registry, err = url.Parse(value)
		return
	})
	return
}
