// Package partner contains a bank service and its client for each Go framework.
package partner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Transfer is the message of busi.proto, hand-written in the older protoc format, which gRPC still accepts.
type Transfer struct {
	Amount int64 `protobuf:"varint,1,opt,name=amount,proto3" json:"amount"`
	UserID int64 `protobuf:"varint,2,opt,name=userId,proto3" json:"userId"`
}

func (t *Transfer) Reset()         { *t = Transfer{} }
func (t *Transfer) String() string { return fmt.Sprintf("%d cents of %d", t.Amount, t.UserID) }
func (*Transfer) ProtoMessage()    {}

// LogFormats are the log lines of each method, as in the samples of DTM.
var LogFormats = map[string]string{
	"TransOut":       "transfer out %d cents from %d",
	"TransOutRevert": "revert transfer out %d cents from %d",
	"TransIn":        "transfer in %d cents to %d",
	"TransInRevert":  "revert transfer in %d cents to %d",
}

// ErrRefused is the error of a TransIn of 777 cents.
var ErrRefused = errors.New("FAILURE")

// Do executes a method. It logs the call with the branch context of dtm.
func Do(method string, transfer *Transfer, branch func(key string) string) error {
	line := []string{fmt.Sprintf(LogFormats[method], transfer.Amount, transfer.UserID)}
	for _, key := range []string{"gid", "trans_type", "branch_id", "op"} {
		if value := branch(key); value != "" {
			line = append(line, key+"="+value)
		}
	}
	fmt.Println(strings.Join(line, " "))
	if method == "TransIn" && transfer.Amount == 777 {
		return ErrRefused
	}
	return nil
}

// RegisterBusi adds the bank to a gRPC server.
func RegisterBusi(server grpc.ServiceRegistrar) {
	service := &grpc.ServiceDesc{ServiceName: "busi.Busi", HandlerType: (*any)(nil), Metadata: "busi.proto"}
	for name := range LogFormats {
		service.Methods = append(service.Methods, method(name))
	}
	server.RegisterService(service, nil)
}

func method(name string) grpc.MethodDesc {
	do := func(ctx context.Context, request any) (any, error) {
		if Do(name, request.(*Transfer), branchOf(ctx)) != nil {
			return nil, status.Error(codes.Aborted, ErrRefused.Error())
		}
		return &emptypb.Empty{}, nil
	}
	handle := func(server any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		transfer := &Transfer{}
		if err := decode(transfer); err != nil {
			return nil, err
		}
		if interceptor == nil {
			return do(ctx, transfer)
		}
		return interceptor(ctx, transfer, &grpc.UnaryServerInfo{Server: server, FullMethod: "/busi.Busi/" + name}, do)
	}
	return grpc.MethodDesc{MethodName: name, Handler: handle}
}

func branchOf(ctx context.Context) func(key string) string {
	received, _ := metadata.FromIncomingContext(ctx)
	return func(key string) string { return strings.Join(received.Get("dtm-"+key), ",") }
}

// CallTransIn transfers to user 2.
func CallTransIn(connection grpc.ClientConnInterface, amount int64) error {
	return connection.Invoke(context.Background(), "/busi.Busi/TransIn", &Transfer{amount, 2}, &emptypb.Empty{})
}
