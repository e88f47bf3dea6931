import { NestFactory } from '@nestjs/core';
import { DtmModule, DtmService } from 'nestjs-dtm';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { countByStatus, runSagas } from '../support/saga-load.mjs';
import { serve } from '../support/worker.mjs';

/** @import { INestApplicationContext } from '@nestjs/common' */

// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module with imports only
class AppModule {}

/** @type {INestApplicationContext | undefined} */
let app;
let participants = '';
let grpcParticipants = '';

const handlers = {
  /**
   * Starts an application with an embedded coordinator on a SQLite file.
   *
   * @param {string} path - path of the file
   * @param {string} participantsUrl
   * @param {string} [grpcAddress] - address of participants over gRPC
   */
  start: async (path, participantsUrl, grpcAddress = '') => {
    participants = participantsUrl;
    grpcParticipants = grpcAddress;
    const server = embeddedServer({ store: sqliteStore({ path }) });
    app = await NestFactory.createApplicationContext(
      { module: AppModule, imports: [DtmModule.forRoot({ server })] },
      { logger: ['error', 'warn'] },
    );
  },
  /**
   * Runs sagas with two branches for some seconds; keeps `inFlight` sagas in flight.
   *
   * @param {number} inFlight
   * @param {number} seconds
   * @param {'http' | 'grpc'} [over] - transport of the branch calls
   */
  run: async (inFlight, seconds, over = 'http') => {
    const dtm = service();
    const base = over === 'http' ? participants : `${grpcParticipants}/nestjsdtm.Bank`;
    const out = { action: `${base}/Out`, compensate: `${base}/UndoOut` };
    const into = { action: `${base}/In`, compensate: `${base}/UndoIn` };
    const payload = { userId: 1, amount: 30 };
    return runSagas(inFlight, seconds, () =>
      dtm.saga().add(out, payload).add(into, payload).submit({ waitResult: true }),
    );
  },
  /** Number of stored transactions by status. */
  stored: () => countByStatus(service()),
  close: () => app?.close(),
};

function service() {
  if (!app) throw new Error('the application was not started');
  return app.get(DtmService);
}

/** @typedef {typeof handlers} SagaApp */

serve(handlers);
