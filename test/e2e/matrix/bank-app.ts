import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { DtmModule, DtmService, type BranchRoute, type DtmConnection } from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { freePorts } from '../../services/free-ports.mjs';
import { Bank } from '../bank/bank.js';
import type { XaAccounts } from './accounts.js';
import { AgentController, OVER, PayerController, ReceiverController, XaController } from './participants.js';
import { RpcController } from './rpc.controller.js';
import { FaultInjector } from './fault-injector.js';

/** Environment that all applications of a matrix share. */
export interface BankEnvironment {
  readonly bank: Bank;
  /** Undefined without databases that support XA. */
  readonly xa: XaAccounts | undefined;
  readonly faults: FaultInjector;
  readonly over: BranchRoute;
}

/** A running application. */
export interface BankApp {
  readonly dtm: DtmService;
  /** Addresses of the application. */
  readonly at: Readonly<Record<'http' | 'grpc', string>>;
  close(): Promise<void>;
}

/**
 * Starts a Nest application with all participants on free ports.
 *
 * @param server - the coordinator
 * @param environment - databases and fault injector
 * @param kind - both transports, or gRPC alone
 */
export async function startBankApp(
  server: DtmConnection,
  { bank, xa, faults, over }: BankEnvironment,
  kind: 'hybrid' | 'gRPC only',
): Promise<BankApp> {
  const [port] = await freePorts(1);
  const grpc = `127.0.0.1:${port}`;
  const branches = [PayerController, ReceiverController, AgentController, ...(xa ? [XaController] : [])];
  const xaDatabases = xa && {
    postgres: { xa: faults.wrapSecondPhase(xa.postgres) },
    mariadb: { xa: faults.wrapSecondPhase(xa.mariadb) },
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
      { provide: FaultInjector, useValue: faults },
      { provide: OVER, useValue: over },
    ],
  })
  class BankModule {}

  const options = dtmGrpcOptions(branches, { url: grpc }) as MicroserviceOptions;
  let app: INestApplicationContext;
  let http = '';
  if (kind === 'hybrid') {
    // Go opens connections that it never uses; Node would wait a minute for them at close
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
