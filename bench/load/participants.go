package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

// serveParticipants answers every branch call with success. A line "down" on stdin makes it answer 500, "up" ends that;
// after any line it prints how many calls it has answered with success.
func serveParticipants() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err.Error())
	}
	var calls atomic.Int64
	var down atomic.Bool
	answer := []byte(`{"dtm_result":"SUCCESS"}`)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		calls.Add(1)
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(answer)
	})}
	go func() { _ = server.Serve(listener) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "down":
			down.Store(true)
		case "up":
			down.Store(false)
		}
		fmt.Println(calls.Load())
	}
}
