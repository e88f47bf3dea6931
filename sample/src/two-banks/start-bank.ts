import { Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { DtmModule } from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import type { Accounts } from '../bank/accounts.js';
import { dtmConnection } from '../dtm-connection.js';
import { DTM_SERVER, type Address } from './addresses.js';

/** A bank of the other sample, in its own process. */
export interface BankProcess {
  readonly name: string;
  readonly bank: Type;
  readonly accounts: Type<Accounts>;
  readonly branches: Type[];
  readonly address: Address;
}

/** Starts a bank that serves its branches over HTTP and gRPC. */
export async function startBank({ name, bank, accounts, branches, address }: BankProcess): Promise<void> {
  @Module({
    imports: [
      DtmModule.forRootAsync({
        imports: [bank],
        inject: [accounts],
        useFactory: ({ database: { barrier, xa } }: Accounts) => ({
          server: dtmConnection(DTM_SERVER),
          endpoint: { http: `http://${address.http}`, grpc: address.grpc },
          databases: { [name]: { barrier, xa } },
        }),
      }),
      bank,
    ],
  })
  class BankProcessModule {}

  const app = await NestFactory.create(BankProcessModule);
  app.enableShutdownHooks();
  app.connectMicroservice<MicroserviceOptions>(dtmGrpcOptions(branches, { url: address.grpc }));
  // opens the accounts before the first request
  await app.init();
  await app.startAllMicroservices();
  const [host, port] = address.http.split(':') as [string, string];
  await app.listen(port, host);
  Logger.log(`listening on http://${address.http} and, for gRPC, ${address.grpc}`, name);
}
