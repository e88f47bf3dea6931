import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { GRPC_PORT, HOST, HTTP_PORT, NO_DEMO, ONCE } from './addresses.js';
import { AppModule } from './app.module.js';
import { BANK_IN_BRANCHES } from './bank-in/bank-in.module.js';
import { BANK_OUT_BRANCHES } from './bank-out/bank-out.module.js';
import { Demo } from './transfer/demo.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
// serves the branches over gRPC too
const branches = [...BANK_OUT_BRANCHES, ...BANK_IN_BRANCHES];
app.connectMicroservice<MicroserviceOptions>(dtmGrpcOptions(branches, { url: `${HOST}:${GRPC_PORT}` }));
// opens the accounts before the first request
await app.init();
await app.startAllMicroservices();
await app.listen(HTTP_PORT, HOST);

const isAsExpected = NO_DEMO || (await app.get(Demo).run());
if (!isAsExpected) Logger.error('a balance or a state is not as expected', 'Sample');

if (ONCE) {
  await app.close();
  process.exitCode = isAsExpected ? 0 : 1;
} else {
  const url = `http://${HOST}:${HTTP_PORT}/transfer?mode=saga`;
  Logger.log(
    `try: curl -X POST '${url}' -H 'content-type: application/json' -d '{"from":1,"to":2,"amount":30}'`,
    'Sample',
  );
}
