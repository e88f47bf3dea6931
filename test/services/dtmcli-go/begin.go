package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"github.com/go-resty/resty/v2"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// order is a transaction to run.
type order struct {
	Server        string              `json:"server"`   // http://…/api/dtmsvr, or host:port for gRPC
	Protocol      string              `json:"protocol"` // http, grpc or json-rpc
	Mode          string              `json:"mode"`
	Gid           string              `json:"gid"`
	Calls         []string            `json:"calls"` // saga, msg: methods of the client to call, in order
	Steps         []step              `json:"steps"`
	Orders        map[int][]int       `json:"orders"`
	QueryPrepared string              `json:"queryPrepared"`
	Local         *transfer           `json:"local"` // msg: the local transaction of doAndSubmit
	Options       dtmcli.TransOptions `json:"options"`
}

type step struct {
	Action     string          `json:"action"` // TCC: the try
	Confirm    string          `json:"confirm"`
	Compensate string          `json:"compensate"` // TCC: the cancel
	Payload    json.RawMessage `json:"payload"`
}

// begin runs a transaction. The answer has the error text of each call of the client, null for success.
func begin(b bank) func(*http.Request, []byte) (any, error) {
	return func(_ *http.Request, body []byte) (any, error) {
		var o order
		if err := json.Unmarshal(body, &o); err != nil {
			return nil, err
		}
		calls, err := o.prepare(b)
		if err != nil {
			return nil, err
		}
		texts := []*string{}
		for _, call := range calls {
			var text *string
			if err := call(); err != nil {
				message := err.Error()
				text = &message
			}
			texts = append(texts, text)
		}
		return map[string]any{"errors": texts}, nil
	}
}

type call = func() error

func (o order) prepare(b bank) ([]call, error) {
	switch o.Protocol + " " + o.Mode {
	case "http saga", "json-rpc saga":
		saga := dtmcli.NewSaga(o.Server, o.Gid)
		o.apply(&saga.TransBase)
		for _, s := range o.Steps {
			saga.Add(s.Action, s.Compensate, s.Payload)
		}
		for branch, earlier := range o.Orders {
			saga.AddBranchOrder(branch, earlier)
		}
		return o.each(map[string]call{"submit": saga.Submit})
	case "grpc saga":
		saga := dtmgrpc.NewSagaGrpc(o.Server, o.Gid)
		o.apply(&saga.TransBase)
		for _, s := range o.Steps {
			saga.Add(s.Action, s.Compensate, s.message())
		}
		for branch, earlier := range o.Orders {
			saga.AddBranchOrder(branch, earlier)
		}
		return o.each(map[string]call{"submit": saga.Submit})
	case "http msg", "json-rpc msg":
		msg := dtmcli.NewMsg(o.Server, o.Gid)
		o.apply(&msg.TransBase)
		for _, s := range o.Steps {
			msg.Add(s.Action, s.Payload)
		}
		return o.each(map[string]call{
			"prepare": func() error { return msg.Prepare(o.QueryPrepared) },
			"submit":  msg.Submit,
			"doAndSubmit": func() error {
				db, err := dtmimp.PooledDB(b.database)
				if err != nil {
					return err
				}
				return msg.DoAndSubmitDB(o.QueryPrepared, db, func(tx *sql.Tx) error { return out(tx, *o.Local) })
			},
		})
	case "grpc msg":
		msg := dtmgrpc.NewMsgGrpc(o.Server, o.Gid)
		o.apply(&msg.TransBase)
		for _, s := range o.Steps {
			msg.Add(s.Action, s.message())
		}
		return o.each(map[string]call{
			"prepare": func() error { return msg.Prepare(o.QueryPrepared) },
			"submit":  msg.Submit,
		})
	case "http tcc":
		return []call{func() error {
			custom := func(tcc *dtmcli.Tcc) { o.apply(&tcc.TransBase) }
			return dtmcli.TccGlobalTransaction2(o.Server, o.Gid, custom, func(tcc *dtmcli.Tcc) (*resty.Response, error) {
				for _, s := range o.Steps {
					if _, err := tcc.CallBranch(s.Payload, s.Action, s.Confirm, s.Compensate); err != nil {
						return nil, err
					}
				}
				return nil, nil
			})
		}}, nil
	case "grpc tcc":
		return []call{func() error {
			custom := func(tcc *dtmgrpc.TccGrpc) { o.apply(&tcc.TransBase) }
			return dtmgrpc.TccGlobalTransaction2(o.Server, o.Gid, custom, func(tcc *dtmgrpc.TccGrpc) error {
				for _, s := range o.Steps {
					err := tcc.CallBranch(s.message(), s.Action, s.Confirm, s.Compensate, &emptypb.Empty{})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}}, nil
	case "http xa":
		return []call{func() error {
			custom := func(xa *dtmcli.Xa) { o.apply(&xa.TransBase) }
			return dtmcli.XaGlobalTransaction2(o.Server, o.Gid, custom, func(xa *dtmcli.Xa) (*resty.Response, error) {
				for _, s := range o.Steps {
					if _, err := xa.CallBranch(s.Payload, s.Action); err != nil {
						return nil, err
					}
				}
				return nil, nil
			})
		}}, nil
	}
	return nil, fmt.Errorf("%s %s is unknown", o.Protocol, o.Mode)
}

func (o order) apply(base *dtmimp.TransBase) {
	base.TransOptions = o.Options
	if o.Protocol == "json-rpc" {
		base.Protocol = dtmimp.Jrpc
	}
}

func (o order) each(methods map[string]call) ([]call, error) {
	calls := []call{}
	for _, name := range o.Calls {
		if methods[name] == nil {
			return nil, fmt.Errorf("%s has no call %q", o.Mode, name)
		}
		calls = append(calls, methods[name])
	}
	return calls, nil
}

// message is the payload as a protobuf message.
func (s step) message() *wrapperspb.StringValue { return wrapperspb.String(string(s.Payload)) }
