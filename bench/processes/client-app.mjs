import * as grpc from '@grpc/grpc-js';
import { NestFactory } from '@nestjs/core';
import { DtmModule, DtmService } from 'nestjs-dtm';
import { Pool } from 'undici';
import { cpuSeconds, serve } from '../support/worker.mjs';

/** @import { INestApplicationContext } from '@nestjs/common' */

// internal module of the package, from the build
const { DTM_PROTO, EMPTY_PROTO, serviceMethods } = /** @type {typeof import('../../lib/protocol/internal.js')} */ (
  await import(String(new URL('../../dist/protocol/internal.js', import.meta.url)))
);

// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module with imports only
class AppModule {}

const steps = [
  { action: 'http://bank1:3000/out', compensate: 'http://bank1:3000/undoOut' },
  { action: 'http://bank2:3000/in', compensate: 'http://bank2:3000/undoIn' },
];
const payload = { userId: 1, amount: 30 };

/** @type {Record<string, () => Promise<unknown>>} */
const submits = {};
/** @type {INestApplicationContext[]} */
const apps = [];
let count = 0;

/** @param {string} server */
async function service(server) {
  const app = await NestFactory.createApplicationContext(
    { module: AppModule, imports: [DtmModule.forRoot({ server })] },
    { logger: ['error', 'warn'] },
  );
  apps.push(app);
  const dtm = app.get(DtmService);
  return async () => {
    const saga = dtm.saga({ gid: `gid-${count++}` });
    for (const step of steps) saga.add(step, payload);
    await saga.submit();
  };
}

/** @param {string} url */
function undici(url) {
  const pool = new Pool(url);
  const headers = { 'content-type': 'application/json' };
  return async () => {
    const body = JSON.stringify({
      gid: `gid-${count++}`,
      trans_type: 'saga',
      steps,
      payloads: steps.map(() => JSON.stringify(payload)),
    });
    const answer = await pool.request({ method: 'POST', path: '/api/dtmsvr/submit', headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 200 || !text.includes('SUCCESS')) throw new Error(text);
  };
}

/** @param {string} address */
function grpcJs(address) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const { Submit } = serviceMethods('dtmgimp.Dtm', [DTM_PROTO, EMPTY_PROTO]);
  if (!Submit) throw new Error('unreachable');
  return () =>
    new Promise((resolve, reject) => {
      const request = {
        Gid: `gid-${count++}`,
        TransType: 'saga',
        Steps: JSON.stringify(steps),
        BinPayloads: steps.map(() => Buffer.from(JSON.stringify(payload))),
      };
      client.makeUnaryRequest(
        Submit.path,
        Submit.requestSerialize,
        Submit.responseDeserialize,
        request,
        { deadline: Date.now() + 30_000 },
        (error, answer) => (error ? reject(error) : resolve(answer)),
      );
    });
}

const handlers = {
  /**
   * @param {string} url - URL of a coordinator over HTTP
   * @param {string} address - address of a coordinator over gRPC
   */
  start: async (url, address) => {
    submits['DtmService over HTTP'] = await service(url);
    submits['undici'] = undici(url);
    submits['DtmService over gRPC'] = await service(address);
    submits['grpc-js'] = grpcJs(address);
  },
  /**
   * Submits sagas for some seconds.
   *
   * @param {string} name - name of the client
   * @param {number} inFlight
   * @param {number} seconds
   */
  run: async (name, inFlight, seconds) => {
    const submit = submits[name];
    if (!submit) throw new Error(`unknown client ${name}`);
    let sagas = 0;
    const cpuBefore = cpuSeconds();
    const start = performance.now();
    const end = start + seconds * 1000;
    const loop = async () => {
      while (performance.now() < end) {
        await submit();
        sagas += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, loop));
    const took = (performance.now() - start) / 1000;
    const cpu = cpuSeconds() - cpuBefore;
    return { sagas, perSecond: sagas / took, cpuMicroseconds: (cpu * 1e6) / sagas, busy: cpu / took };
  },
  close: () => Promise.all(apps.map((app) => app.close())),
};

/** @typedef {typeof handlers} ClientApp */

serve(handlers);
