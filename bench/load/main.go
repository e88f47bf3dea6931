// Load generator and no-op participants in one program, written in Go to use little processor time beside the measured
// server.
//
//	load participants                         serves branches; prints its address, then its number of calls for each input line
//	load run -url U -branches B -workload W   runs transactions and prints the results as JSON
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail("load participants | load run …")
	}
	switch os.Args[1] {
	case "participants":
		serveParticipants()
	case "run":
		flags := flag.NewFlagSet("run", flag.ExitOnError)
		options := runOptions{}
		flags.StringVar(&options.url, "url", "", "base URL of the coordinator's HTTP API")
		flags.StringVar(&options.branches, "branches", "", "base URL of the participants")
		flags.StringVar(&options.workload, "workload", "saga", "saga, empty, tcc or msg")
		flags.StringVar(&options.prefix, "prefix", "", "prefix of the gids")
		flags.IntVar(&options.connections, "connections", 16, "transactions in flight")
		flags.Float64Var(&options.seconds, "seconds", 5, "duration in seconds")
		flags.IntVar(&options.count, "count", 0, "most transactions; 0 = no limit")
		flags.Float64Var(&options.rate, "rate", 0, "transactions per second, started by the clock; 0 = as fast as possible")
		_ = flags.Parse(os.Args[2:])
		run(options)
	default:
		fail("unknown command " + os.Args[1])
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
