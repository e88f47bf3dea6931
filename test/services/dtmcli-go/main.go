// Package main is a bank on dtm's Go client: its branches use the client's barrier and XA, and POST /begin runs a
// transaction with packages dtmcli and dtmgrpc.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/logger"
	_ "github.com/go-sql-driver/mysql"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "address to listen on")
	database := dtmcli.DBConf{Driver: dtmcli.DBTypeMysql}
	flag.StringVar(&database.Host, "db-host", "", "host of MariaDB; empty = without accounts")
	flag.Int64Var(&database.Port, "db-port", 0, "port of MariaDB")
	flag.StringVar(&database.User, "db-user", "", "user of MariaDB")
	flag.StringVar(&database.Password, "db-password", "", "password of MariaDB")
	flag.Parse()
	logger.InitLog("error")
	dtmcli.SetCurrentDBType(database.Driver)

	bank := bank{database}
	http.HandleFunc("/begin", handle(begin(bank)))
	http.HandleFunc("/TransOut", handle(bank.branch(out)))
	http.HandleFunc("/TransOutRevert", handle(bank.branch(in)))
	http.HandleFunc("/TransIn", handle(bank.branch(in)))
	http.HandleFunc("/TransInRevert", handle(bank.branch(out)))
	http.HandleFunc("/Confirm", handle(bank.branch(nothing)))
	http.HandleFunc("/QueryPrepared", handle(bank.queryPrepared))
	http.HandleFunc("/XaTransOut", handle(bank.xaBranch(out)))
	http.HandleFunc("/XaTransIn", handle(bank.xaBranch(in)))

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		panic(err)
	}
	fmt.Printf("bank is ready on %s\n", listener.Addr())
	panic(http.Serve(listener, nil))
}

// handle answers as dtm's Go handlers do: 200, 409 for FAILURE, 425 for ONGOING, 500 for other errors.
func handle(do func(*http.Request, []byte) (any, error)) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var result any
		if err == nil {
			result, err = do(request, body)
		}
		if err != nil {
			result = err
		}
		code, answer := dtmcli.Result2HttpJSON(result)
		response.Header().Set("Content-Type", "application/json")
		response.WriteHeader(code)
		_ = json.NewEncoder(response).Encode(answer)
	}
}
