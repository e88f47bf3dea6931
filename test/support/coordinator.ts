import type { DtmConnection, TransactionDetails } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServerOptions, type Store } from 'nestjs-dtm/server';
import { onTestFinished } from 'vitest';
import { RecordingLogger } from './recording-logger.js';
import { ScriptedTransport } from './scripted-transport.js';
import { VirtualClock } from './virtual-clock.js';

/** A coordinator without network and wall clock, and what it works with. */
export interface CoordinatorBed {
  readonly server: DtmConnection;
  readonly clock: VirtualClock;
  readonly transport: ScriptedTransport;
  readonly store: Store;
  readonly logger: RecordingLogger;
  /** The stored transaction. */
  find(gid: string): Promise<TransactionDetails>;
  /** Its status and those of its branches, e.g. `failed: 01 compensate prepared, 01 action failed`. */
  show(gid: string): Promise<string>;
}

/** Makes a coordinator that is not opened yet; it is closed after the test. */
export function makeCoordinator(
  options: EmbeddedServerOptions & { clock?: VirtualClock; transport?: ScriptedTransport } = {},
): CoordinatorBed {
  const clock = options.clock ?? new VirtualClock();
  const transport = options.transport ?? new ScriptedTransport(clock);
  const store = options.store ?? memoryStore();
  const logger = new RecordingLogger();
  const server = embeddedServer({ logger, ...options, clock, transport, store });
  onTestFinished(() => server.close());
  const find = async (gid: string): Promise<TransactionDetails> => {
    const details = await store.find(gid);
    if (!details) throw new Error(`no transaction ${gid}`);
    return details;
  };
  const show = async (gid: string): Promise<string> => {
    const { transaction, branches } = await find(gid);
    return `${transaction.status}: ${branches.map(({ branchId, op, status }) => `${branchId} ${op} ${status}`).join(', ')}`;
  };
  return { server, clock, transport, store, logger, find, show };
}

/** {@link makeCoordinator}, opened and recovering. */
export async function startCoordinator(...options: Parameters<typeof makeCoordinator>): Promise<CoordinatorBed> {
  const bed = makeCoordinator(...options);
  await bed.server.open();
  bed.server.recover();
  return bed;
}
