import type { DtmConnection, TransactionDetails } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServerOptions, type Store } from 'nestjs-dtm/server';
import { onTestFinished } from 'vitest';
import { RecordingLogger } from './recording-logger.js';
import { ScriptedTransport } from './scripted-transport.js';
import { VirtualClock } from './virtual-clock.js';

/** A coordinator without a network and a wall clock, with its environment. */
export interface CoordinatorFixture {
  readonly server: DtmConnection;
  readonly clock: VirtualClock;
  readonly transport: ScriptedTransport;
  readonly store: Store;
  readonly logger: RecordingLogger;
  /** The stored transaction. */
  find(gid: string): Promise<TransactionDetails>;
  /** Status of a transaction and its branches, e.g. `failed: 01 compensate prepared, 01 action failed`. */
  show(gid: string): Promise<string>;
}

/** Creates a coordinator without opening it; closes it after the test. */
export function makeCoordinator(
  options: EmbeddedServerOptions & { clock?: VirtualClock; transport?: ScriptedTransport } = {},
): CoordinatorFixture {
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

/** Creates a coordinator, opens it and starts recovery; closes it after the test. */
export async function startCoordinator(...options: Parameters<typeof makeCoordinator>): Promise<CoordinatorFixture> {
  const fixture = makeCoordinator(...options);
  await fixture.server.open();
  fixture.server.recover();
  return fixture;
}
