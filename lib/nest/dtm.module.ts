import { Injectable, Inject, Module, type DynamicModule, type NestModule, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { branchTransport } from '../client/index.js';
import { DtmConfigError } from '../protocol/internal.js';
import { ApplicationEndpoint } from './branch/discover/application-endpoint.js';
import { BranchExplorer } from './branch/discover/branch.explorer.js';
import { BranchRegistry } from './branch/discover/branch.registry.js';
import { InProcessBranches } from './branch/discover/in-process-branches.js';
import { UnguardedBranches } from './branch/discover/unguarded-branches.js';
import { acceptBranchBodies } from './branch/serve/accept-branch-bodies.js';
import { encodeBranchResponses } from './branch/serve/encode-branch-responses.js';
import { InFlightBranches } from './branch/serve/in-flight-branches.js';
import { BranchTransport } from './branch-transport.js';
import { DtmLifecycle } from './dtm.lifecycle.js';
import {
  ConfigurableModuleClass,
  DTM_OPTIONS,
  type DtmModuleAsyncOptions,
  type DtmModuleExtras,
} from './dtm.module-definition.js';
import { HeaderForwarding } from './header-forwarding.js';
import type { DtmModuleOptions } from './options/dtm.options.js';
import { DtmRegistration } from './dtm.registration.js';
import { DtmService } from './dtm.service.js';
import { DtmSettings } from './options/dtm.settings.js';
import { parseDtmOptions } from './options/parse-dtm-options.js';
import { addBranchHeaders, withApplication } from '../transport/index.js';
import { countModules, removeControllers } from './undocumented/modules-container.js';
import { createQueryPreparedController } from './query-prepared/query-prepared.controller.js';
import { shareClass } from '../support/share-class.js';

/**
 * Connects an application to a coordinator: provides {@link DtmService}, and what the branch decorators need. The module is
 * global unless `isGlobal: false` is given. Import it once.
 *
 * @example
 * DtmModule.forRoot({ server: 'http://dtm:36789', endpoint: { http: 'http://bank:3000' } });
 * DtmModule.forRootAsync({ inject: [ConfigService], useFactory: (config: ConfigService) => ({ server: config.getOrThrow('DTM') }) });
 */
@shareClass('DtmModule', Injectable)
@Module({
  imports: [DiscoveryModule],
  providers: [
    // replaced by forRoot and forRootAsync; without them, the error of the missing options names both
    { provide: DTM_OPTIONS, useFactory: () => undefined },
    { provide: DtmSettings, useFactory: parseDtmOptions, inject: [DTM_OPTIONS] },
    {
      provide: BranchTransport,
      useFactory: (settings: DtmSettings, branches: InProcessBranches) => {
        const { driver, server, branchHeaders, forwardedHeaders } = settings;
        let transport = branchTransport({ driver });
        if (server.attach) transport = withApplication(transport, branches);
        if (branchHeaders) transport = addBranchHeaders(transport, () => branchHeaders);
        return forwardedHeaders ? addBranchHeaders(transport, () => forwardedHeaders.current) : transport;
      },
      inject: [DtmSettings, InProcessBranches],
    },
    ApplicationEndpoint,
    BranchExplorer,
    BranchRegistry,
    DtmLifecycle,
    DtmRegistration,
    DtmService,
    HeaderForwarding,
    InFlightBranches,
    InProcessBranches,
    UnguardedBranches,
  ],
  // the guards in the modules of the controllers need the last two
  exports: [DtmService, DtmSettings, InFlightBranches],
})
export class DtmModule implements NestModule, OnModuleInit {
  // injected by property, so that the declarations of this public class name no internal type
  @Inject(BranchExplorer) private readonly explorer!: BranchExplorer;
  @Inject(BranchRegistry) private readonly registry!: BranchRegistry;
  @Inject(HttpAdapterHost) private readonly adapterHost!: HttpAdapterHost;
  @Inject(DtmSettings) private readonly settings!: DtmSettings;
  @Inject(ModulesContainer) private readonly modules!: ModulesContainer;

  /**
   * Configures the module with options that are known at once.
   *
   * @param options - see {@link DtmModuleOptions}
   */
  static forRoot(options: DtmModuleOptions & DtmModuleExtras): DynamicModule {
    return {
      ...ConfigurableModuleClass.forRoot(options),
      module: this,
      controllers: [createQueryPreparedController()],
    };
  }

  /**
   * Configures the module with options from a factory, e.g. one that injects a configuration.
   *
   * @param options - see {@link DtmModuleAsyncOptions}
   */
  static forRootAsync(options: DtmModuleAsyncOptions): DynamicModule {
    return {
      ...ConfigurableModuleClass.forRootAsync(options),
      module: this,
      controllers: [createQueryPreparedController()],
    };
  }

  /**
   * Nest calls this hook when the application's prefix and versions are set and its body parsers are registered, and before
   * it registers a route.
   *
   * @internal
   */
  configure(): void {
    this.onModuleInit();
    if (this.settings.databases.barrierCount === 0) removeControllers(this.modules, DtmModule);
    const { httpAdapter } = this.adapterHost;
    acceptBranchBodies(httpAdapter);
    encodeBranchResponses(httpAdapter, (path) => this.registry.findDefinition(path));
  }

  /** @internal */
  onModuleInit(): void {
    if (countModules(this.modules, DtmModule) > 1) {
      throw new DtmConfigError(
        'DtmModule is imported more than once; call forRoot in one place and import that module, or leave DtmModule global',
      );
    }
    this.explorer.explore();
  }
}
