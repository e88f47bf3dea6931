// Package main is the Dapr sidecar with two name resolvers and no other components. The original main of Dapr links
// hundreds of components.
package main

import (
	"context"
	"log"
	"os"

	"github.com/dapr/components-contrib/nameresolution/consul"
	"github.com/dapr/components-contrib/nameresolution/mdns"
	"github.com/dapr/dapr/cmd/daprd/options"
	"github.com/dapr/dapr/pkg/components/nameresolution"
	"github.com/dapr/dapr/pkg/modes"
	"github.com/dapr/dapr/pkg/runtime"
	"github.com/dapr/dapr/pkg/runtime/registry"
	"github.com/dapr/dapr/pkg/security"
	"github.com/dapr/kit/concurrency"
	"github.com/dapr/kit/logger"
	"github.com/dapr/kit/signals"
)

func main() {
	opts := options.New(os.Args[1:])
	opts.Logger.SetAppID(opts.AppID)
	if err := logger.ApplyOptionsToLoggers(&opts.Logger); err != nil {
		log.Fatal(err)
	}
	names := nameresolution.DefaultRegistry
	names.Logger = logger.NewLogger("dapr.contrib")
	names.RegisterComponent(mdns.NewResolver, "mdns")
	names.RegisterComponent(consul.NewResolver, "consul")

	ctx := signals.Context()
	provider, err := security.New(ctx, security.Options{
		ControlPlaneTrustDomain: opts.ControlPlaneTrustDomain,
		ControlPlaneNamespace:   opts.ControlPlaneNamespace,
		AppID:                   opts.AppID,
		Mode:                    modes.DaprMode(opts.Mode),
	})
	if err != nil {
		log.Fatal(err)
	}
	run := func(ctx context.Context) error {
		handler, err := provider.Handler(ctx)
		if err != nil {
			return err
		}
		rt, err := runtime.FromConfig(ctx, &runtime.Config{
			AppID:                       opts.AppID,
			AllowedOrigins:              opts.AllowedOrigins,
			ResourcesPath:               opts.ResourcesPath,
			AppProtocol:                 opts.AppProtocol,
			Mode:                        opts.Mode,
			DaprHTTPPort:                opts.DaprHTTPPort,
			DaprInternalGRPCPort:        opts.DaprInternalGRPCPort,
			DaprAPIGRPCPort:             opts.DaprAPIGRPCPort,
			DaprAPIListenAddresses:      opts.DaprAPIListenAddresses,
			ApplicationPort:             opts.AppPort,
			ProfilePort:                 opts.ProfilePort,
			AppMaxConcurrency:           opts.AppMaxConcurrency,
			DaprHTTPMaxRequestSize:      opts.DaprHTTPMaxRequestSize,
			UnixDomainSocket:            opts.UnixDomainSocket,
			DaprHTTPReadBufferSize:      opts.DaprHTTPReadBufferSize,
			DaprGracefulShutdownSeconds: opts.DaprGracefulShutdownSeconds,
			AppChannelAddress:           opts.AppChannelAddress,
			Config:                      opts.Config,
			Metrics:                     opts.Metrics,
			Registry:                    registry.NewOptions().WithNameResolutions(names),
			Security:                    handler,
		})
		if err != nil {
			return err
		}
		return rt.Run(ctx)
	}
	if err := concurrency.NewRunnerManager(provider.Run, run).Run(ctx); err != nil {
		log.Fatal(err)
	}
}
