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

// serveParticipants answers every branch call with success. A line "down" on stdin makes it refuse connections, "up" ends
// that; after any line it prints how many calls it has answered.
func serveParticipants() {
	var calls atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		calls.Add(1)
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write([]byte(`{"dtm_result":"SUCCESS"}`))
	})
	address := "127.0.0.1:0"
	listen := func() *http.Server {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			fail(err.Error())
		}
		address = listener.Addr().String()
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(listener) }()
		return server
	}
	server := listen()
	fmt.Println(address)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "down":
			_ = server.Close()
		case "up":
			server = listen()
		}
		fmt.Println(calls.Load())
	}
}
