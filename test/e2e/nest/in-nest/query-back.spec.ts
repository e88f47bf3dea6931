import { Controller } from '@nestjs/common';
import * as grpc from '@grpc/grpc-js';
import { MsgBranch, type DtmModuleOptions } from 'nestjs-dtm';
import { describe, expect, test } from 'vitest';
import { memoryAdapter } from '../../../unit/barrier/memory-adapter.js';
import { startOver } from './start-over.js';

@Controller('stock')
class StockController {
  @MsgBranch()
  take(): void {}
}

const PATH = '/nestjs-dtm/query-prepared?gid=g&trans_type=msg&branch_id=00&op=msg';

async function askOverGrpc(address: string): Promise<number | undefined> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries({ gid: 'g', trans_type: 'msg', branch_id: '00', op: 'msg', dtm: '' })) {
    metadata.set(`dtm-${name}`, value);
  }
  const bytes = (value: Buffer): Buffer => value;
  const code = await new Promise<number | undefined>((resolve) => {
    client.makeUnaryRequest('/nestjsdtm.QueryPrepared/Ask', bytes, bytes, Buffer.alloc(0), metadata, (error) =>
      resolve(error?.code),
    );
  });
  client.close();
  return code;
}

const barrier = memoryAdapter().adapter;

const withoutBarrier: [string, Partial<DtmModuleOptions>][] = [
  ['without a database', {}],
  ['with a database without a barrier', { databases: { default: {} } }],
];

describe('the query-back', () => {
  test.each(withoutBarrier)('is not mounted %s', async (_what, dtm) => {
    const options = { controllers: [StockController], dtm };
    for (const platform of ['express', 'fastify'] as const) {
      const { url, logs } = await startOver([platform, 'http'], options);
      expect((await fetch(url + PATH)).status).toBe(404);
      expect(logs.lines.join()).not.toMatch(/QueryPrepared|query-prepared/);
    }
    const overGrpc = await startOver(['express', 'grpc'], options);
    expect(await askOverGrpc(overGrpc.grpc)).toBe(grpc.status.UNIMPLEMENTED);
  });

  test('is mounted with a barrier', async () => {
    const options = { controllers: [StockController], dtm: { databases: { default: { barrier } } } };
    for (const platform of ['express', 'fastify'] as const) {
      const { url } = await startOver([platform, 'http'], options);
      expect((await fetch(url + PATH)).status).toBe(409);
    }
    const overGrpc = await startOver(['express', 'grpc'], options);
    expect(await askOverGrpc(overGrpc.grpc)).toBe(grpc.status.ABORTED);
  });
});
