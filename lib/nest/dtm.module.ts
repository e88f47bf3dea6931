import { Module, type NestModule, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { branchTransport } from '../client/index.js';
import { DtmConfigError } from '../protocol/internal.js';
import { answerBranches } from './branch/serve/branch-answers.js';
import { acceptBranchBodies } from './branch/serve/branch-bodies.js';
import { ApplicationEndpoint } from './branch/discover/application-endpoint.js';
import { BranchExplorer } from './branch/discover/branch.explorer.js';
import { InFlightBranches } from './branch/serve/in-flight-branches.js';
import { BranchRegistry } from './branch/discover/branch.registry.js';
import { BranchTransport } from './branch-transport.js';
import { DtmLifecycle } from './dtm.lifecycle.js';
import { ConfigurableModuleClass, DTM_OPTIONS } from './dtm.module-definition.js';
import { DtmSettings, parseDtmOptions } from './options/dtm.options.js';
import { DtmRegistration } from './dtm.registration.js';
import { DtmService } from './dtm.service.js';
import { QueryPreparedController } from './query-prepared/query-prepared.controller.js';

/**
 * Connects an application to a coordinator: provides {@link DtmService}, and what `@SagaBranch` and `@TccAction` need. It is
 * global unless `isGlobal: false` is given. Import it once.
 *
 * @example
 * DtmModule.forRoot({ server: 'http://dtm:36789', endpoint: { http: 'http://bank:3000' } });
 * DtmModule.forRootAsync({ inject: [ConfigService], useFactory: (config: ConfigService) => ({ server: config.getOrThrow('DTM') }) });
 */
@Module({
  imports: [DiscoveryModule],
  controllers: [QueryPreparedController],
  providers: [
    { provide: DtmSettings, useFactory: parseDtmOptions, inject: [DTM_OPTIONS] },
    {
      provide: BranchTransport,
      useFactory: ({ driver }: DtmSettings) => branchTransport({ driver }),
      inject: [DtmSettings],
    },
    ApplicationEndpoint,
    BranchExplorer,
    InFlightBranches,
    BranchRegistry,
    DtmLifecycle,
    DtmRegistration,
    DtmService,
  ],
  exports: [InFlightBranches, DtmService, DtmSettings],
})
export class DtmModule extends ConfigurableModuleClass implements NestModule, OnModuleInit {
  constructor(
    private readonly explorer: BranchExplorer,
    private readonly adapterHost: HttpAdapterHost,
    private readonly modules: ModulesContainer,
  ) {
    super();
    // microservices look at the methods before any other hook
    explorer.complete();
  }

  /**
   * Nest calls this when the application's prefix and versions are set and its body parsers are registered, and before it
   * registers a route.
   *
   * @internal
   */
  configure(): void {
    this.onModuleInit();
    const { httpAdapter } = this.adapterHost;
    acceptBranchBodies(httpAdapter);
    answerBranches(httpAdapter);
  }

  /** @internal */
  onModuleInit(): void {
    if ([...this.modules.values()].filter(({ metatype }) => metatype === DtmModule).length > 1) {
      throw new DtmConfigError(
        'DtmModule is imported more than once; call forRoot in one place and import that, or leave it global',
      );
    }
    this.explorer.explore();
  }
}
