import { Injectable } from '@nestjs/common';
import type { PayloadCodec } from '../../client/index.js';
import type { DtmDriver, PreparedService } from '../../driver/internal.js';
import type { BranchHeadersSource, DtmApi, DtmConnection } from '../../protocol/internal.js';
import { shareClass } from '../../support/share-class.js';
import type { DatabaseRegistry } from './database-registry.js';
import type { BranchRoute, DtmRegisterOptions } from './dtm.options.js';
import type { ForwardedHeaders } from './forwarded-headers.js';

/** The checked options of the module, with objects in place of names and URLs. Injected by this class. */
@shareClass('DtmSettings', Injectable)
export abstract class DtmSettings {
  abstract readonly server: DtmConnection;
  /**
   * The same coordinator for initiators. Transactions get {@link forwardedHeaders}, and those of a coordinator in another process
   * {@link branchHeaders}.
   */
  abstract readonly api: DtmApi;
  /** Added to the calls of an embedded coordinator, and to those of the initiator. */
  abstract readonly branchHeaders: BranchHeadersSource | undefined;
  /** Undefined when the application passes no headers on. */
  abstract readonly forwardedHeaders: ForwardedHeaders | undefined;
  /** Undefined when the application has no name. */
  abstract readonly name: string | undefined;
  /** Undefined when the default decides. */
  abstract readonly over: BranchRoute | undefined;
  /** Base URL without a slash at its end; undefined when the address of the application's listener is used. */
  abstract readonly endpointHttp: string | undefined;
  /** Address for gRPC without a slash at its end. */
  abstract readonly endpointGrpc: string | undefined;
  abstract readonly driver: DtmDriver;
  /** Undefined when the application is not registered. */
  abstract readonly register: (DtmRegisterOptions & { readonly service: PreparedService }) | undefined;
  abstract readonly databases: DatabaseRegistry;
  abstract readonly payloads: PayloadCodec;
  abstract readonly routeDecorators: readonly MethodDecorator[];
  abstract readonly swagger: boolean;
  abstract readonly allowUnguardedBranches: boolean;
  abstract readonly exposeErrorTextsToCallers: boolean;
  abstract readonly shutdownTimeoutSeconds: number;
}
