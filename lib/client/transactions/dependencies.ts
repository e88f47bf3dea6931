import type { DtmApi } from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';
import type { BranchLocator } from '../branch/branch-locator.js';
import type { PayloadCodec } from '../payload/payload-codec.js';

/** Dependencies of a saga, and the part that every transaction has. */
export interface TransactionDependencies {
  /** The coordinator. */
  readonly api: DtmApi;
  /** Checks addresses of gRPC. @default they are not checked */
  readonly transport?: Transport | undefined;
  /** Finds the URLs of branches that `branchOf()` references. @default branches have URLs only */
  readonly locator?: BranchLocator | undefined;
  /** Encodes payloads for the branches, and decodes their answers. @default jsonPayloads */
  readonly payloads?: PayloadCodec | undefined;
}

/** Dependencies of a TCC or XA transaction, whose initiator calls branches itself. */
export interface InitiatorDependencies extends TransactionDependencies {
  /** Calls the branches: tries of TCC, actions of XA. */
  readonly transport: Transport;
}
