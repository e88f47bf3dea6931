import type { DtmApi } from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';
import type { BranchLocator } from '../branch/branch-locator.js';
import type { PayloadCodec } from '../payload/payload-codec.js';

/** What a saga needs to be started. */
export interface SagaDependencies {
  /** The coordinator. */
  readonly api: DtmApi;
  /** Checks addresses of gRPC. @default they are not checked */
  readonly transport?: Transport | undefined;
  /** Finds branches that are named by code. @default branches have URLs only */
  readonly locator?: BranchLocator | undefined;
  /** Encodes payloads for the branches, and decodes their answers. @default jsonPayloads */
  readonly payloads?: PayloadCodec | undefined;
}

/** What a TCC or XA transaction needs to be started: the initiator calls branches itself. */
export interface InitiatorDependencies extends SagaDependencies {
  /** Calls the branches: tries of TCC, actions of XA. */
  readonly transport: Transport;
}
