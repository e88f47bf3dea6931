// Load generator and no-op participants in one process, written in Go so that they cost as little as possible beside the
// server they measure.
//
//	load participants                         serves branches; prints its port, then its number of calls for each line read
//	load run -url U -branches B -workload W   starts transactions, prints what came of them as JSON
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
		flags.StringVar(&options.prefix, "prefix", "", "beginning of the gids")
		flags.IntVar(&options.connections, "connections", 16, "transactions in flight")
		flags.Float64Var(&options.seconds, "seconds", 5, "how long")
		flags.IntVar(&options.count, "count", 0, "end after so many transactions; 0 = none")
		flags.Float64Var(&options.rate, "rate", 0, "transactions a second, started by the clock; 0 = as fast as they end")
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
