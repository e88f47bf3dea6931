import type { Lane } from './lane.js';
import type { Row } from './rows.js';

/** Why a row does not end as it should, for now; the test fails when it does. */
export function knownBug({ mode, end }: Row, { over }: Lane): string | undefined {
  return mode.name === 'msg with topic' && over === 'grpc' && end !== undefined
    ? 'known bug: messages of a topic are JSON, which branches over gRPC do not take'
    : undefined;
}
