package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

type runOptions struct {
	url, branches, workload, prefix string
	connections, count              int
	seconds, rate                   float64
}

// report is the output of run; times in milliseconds.
type report struct {
	Count      int     `json:"count"`
	Errors     int     `json:"errors"`
	FirstError string  `json:"firstError,omitempty"`
	Seconds    float64 `json:"seconds"`
	P50        float64 `json:"p50"`
	P99        float64 `json:"p99"`
	P999       float64 `json:"p999"`
}

// run keeps a number of transactions in flight, or starts them by the clock. With the clock, latency counts from the
// scheduled start, so that it includes queueing before the server (no coordinated omission). All gids have the same
// length, because Go dtm on boltdb mixes up the branches of gids with a common prefix.
func run(options runOptions) {
	work, known := workloads[options.workload]
	if !known {
		fail("unknown workload " + options.workload)
	}
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: 0, MaxIdleConnsPerHost: options.connections, MaxConnsPerHost: options.connections,
		DisableCompression: true,
	}}
	start := time.Now()
	end := start.Add(time.Duration(options.seconds * float64(time.Second)))
	var number atomic.Int64
	times := make([][]time.Duration, options.connections)
	errors := make([]string, options.connections)
	failed := make([]int, options.connections)
	var all sync.WaitGroup
	for worker := 0; worker < options.connections; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				n := number.Add(1)
				began := time.Now()
				if options.rate > 0 {
					due := start.Add(time.Duration(float64(n-1) / options.rate * float64(time.Second)))
					time.Sleep(time.Until(due))
					began = due
				}
				if (options.count > 0 && n > int64(options.count)) || time.Now().After(end) {
					return
				}
				if err := work(client, &options, fmt.Sprintf("%s%09d", options.prefix, n)); err != nil {
					failed[worker]++
					errors[worker] = err.Error()
					continue
				}
				times[worker] = append(times[worker], time.Since(began))
			}
		}()
	}
	all.Wait()
	print(times, failed, errors, time.Since(start))
}

func print(times [][]time.Duration, failed []int, errors []string, took time.Duration) {
	var sorted []time.Duration
	result := report{Seconds: took.Seconds()}
	for worker := range times {
		sorted = append(sorted, times[worker]...)
		result.Errors += failed[worker]
		if errors[worker] != "" {
			result.FirstError = errors[worker]
		}
	}
	sort.Slice(sorted, func(a, b int) bool { return sorted[a] < sorted[b] })
	at := func(share float64) float64 {
		if len(sorted) == 0 {
			return 0
		}
		return float64(sorted[int(share*float64(len(sorted)-1))].Microseconds()) / 1000
	}
	result.Count, result.P50, result.P99, result.P999 = len(sorted), at(0.5), at(0.99), at(0.999)
	_ = json.NewEncoder(os.Stdout).Encode(result)
}
