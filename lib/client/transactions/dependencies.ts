import type { DtmApi } from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';
import type { BranchLocator } from '../branch/branch-ref.js';
import type { PayloadCodec } from '../payload/payload-codec.js';

/** What starting a global transaction needs around it. */
export interface ClientDependencies {
  /** The coordinator. */
  readonly api: DtmApi;
  /** Makes the calls that the initiator makes itself: tries of TCC, actions of XA. */
  readonly transport: Transport;
  /** Finds branches that are named by code. @default URLs only */
  readonly locator?: BranchLocator | undefined;
  /** Turns payloads into what branches get, and their answers back. @default jsonPayloads */
  readonly payloads?: PayloadCodec | undefined;
}

/** The same for a transaction whose branches the coordinator calls, all of them. */
export interface SubmitDependencies extends Omit<ClientDependencies, 'transport'> {
  /** Knows the addresses of gRPC. @default they are not looked at */
  readonly transport?: Transport | undefined;
}
