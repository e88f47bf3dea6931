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

// emptyMessage is google.protobuf.Empty in its gRPC frame: uncompressed, length 0.
var emptyMessage = make([]byte, 5)

// serveParticipants answers every branch call with success, over HTTP/1.1 and gRPC on one port. The input line "down" stops
// the server, "up" starts it again; after each line the program prints the number of answered calls.
func serveParticipants() {
	var calls atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		calls.Add(1)
		if r.ProtoMajor == 2 {
			answerGrpc(w)
			return
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write([]byte(`{"dtm_result":"SUCCESS"}`))
	})
	address := "127.0.0.1:0"
	// gRPC without TLS starts directly with HTTP/2
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	listen := func() *http.Server {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			fail(err.Error())
		}
		address = listener.Addr().String()
		server := &http.Server{Handler: handler, Protocols: protocols}
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

func answerGrpc(w http.ResponseWriter) {
	header := w.Header()
	header["Content-Type"] = []string{"application/grpc"}
	// gRPC servers send no Date header
	header["Date"] = nil
	header[http.TrailerPrefix+"Grpc-Status"] = []string{"0"}
	_, _ = w.Write(emptyMessage)
}
