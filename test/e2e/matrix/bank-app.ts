import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { DtmModule, DtmService, type DtmConnection } from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { freePorts } from '../../services/free-ports.mjs';
import { Bank } from '../bank/bank.js';
import type { XaAccounts } from './accounts.js';
import { AgentController, OVER, PayerController, ReceiverController, XaController } from './participants.js';
import { RpcController } from './rpc.controller.js';
import { Troubles } from './troubles.js';

/** What the applications of one matrix have in common. */
export interface BankEnvironment {
  readonly bank: Bank;
  /** Undefined where no database is there that can do XA. */
  readonly xa: XaAccounts | undefined;
  readonly troubles: Troubles;
  readonly over: 'http' | 'grpc';
}

/** A running application. */
export interface BankApp {
  readonly dtm: DtmService;
  /** Where it is reached. */
  readonly at: Readonly<Record<'http' | 'grpc', string>>;
  close(): Promise<void>;
}

/**
 * A Nest application with all participants, which listens on free ports.
 *
 * @param server - the coordinator
 * @param environment - databases and troubles
 * @param kind - both transports, or gRPC alone
 */
export async function startBankApp(
  server: DtmConnection,
  { bank, xa, troubles, over }: BankEnvironment,
  kind: 'hybrid' | 'gRPC only',
): Promise<BankApp> {
  const [port] = await freePorts(1);
  const grpc = `127.0.0.1:${port}`;
  const branches = [PayerController, ReceiverController, AgentController, ...(xa ? [XaController] : [])];
  const xaDatabases = xa && {
    postgres: { xa: troubles.inSecondPhaseOf(xa.postgres) },
    mariadb: { xa: troubles.inSecondPhaseOf(xa.mariadb) },
  };

  @Module({
    imports: [
      DtmModule.forRoot({
        server,
        endpoint: { grpc },
        databases: { default: { barrier: bank.adapter }, ...xaDatabases },
      }),
    ],
    controllers: [...branches, RpcController],
    providers: [
      { provide: Bank, useValue: bank },
      { provide: Troubles, useValue: troubles },
      { provide: OVER, useValue: over },
    ],
  })
  class BankModule {}

  const options = dtmGrpcOptions(branches, { url: grpc }) as MicroserviceOptions;
  let app: INestApplicationContext;
  let http = '';
  if (kind === 'hybrid') {
    // Go opens connections that it never uses, and Node waits a minute for them
    const hybrid = await NestFactory.create(BankModule, { logger: false, forceCloseConnections: true });
    hybrid.connectMicroservice(options);
    await hybrid.startAllMicroservices();
    await hybrid.listen(0, '127.0.0.1');
    http = await hybrid.getUrl();
    app = hybrid;
  } else {
    const service = await NestFactory.createMicroservice(BankModule, { ...options, logger: false });
    await service.listen();
    app = service;
  }
  return { dtm: app.get(DtmService), at: { http, grpc }, close: () => app.close() };
}
