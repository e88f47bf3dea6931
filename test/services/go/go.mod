module services

go 1.22

// Alone with its own graph: a newer go-zero or kratos beside it raises grpc, and dtm no longer compiles. Programs that
// need those belong in a module of their own. Build it with -mod=readonly; `go mod tidy` would ask for test dependencies.
require github.com/dtm-labs/dtm v1.19.0
