import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { DtmModule } from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { BusiController } from './busi.controller.js';
import { driver } from './driver.js';
import { DTM_SERVER, ENDPOINT, GRPC_PORT, HTTP_PORT, PROTO, TARGET } from './settings.js';

const HOST = '127.0.0.1';

@Module({
  imports: [
    DtmModule.forRoot({
      server: DTM_SERVER,
      driver,
      ...(TARGET !== undefined && { register: { target: TARGET, endpoint: ENDPOINT } }),
    }),
  ],
  controllers: [BusiController],
})
class BusiModule {}

const app = await NestFactory.create(BusiModule);
// deregisters the service at SIGTERM
app.enableShutdownHooks();
app.connectMicroservice<MicroserviceOptions>(
  dtmGrpcOptions([BusiController], {
    url: `${HOST}:${GRPC_PORT}`,
    package: 'busi',
    protoPath: PROTO,
    loader: { longs: Number },
  }),
);
await app.startAllMicroservices();
await app.listen(HTTP_PORT, HOST);
Logger.log(`listening on ${HOST}:${GRPC_PORT} for gRPC, on ${HOST}:${HTTP_PORT} for HTTP`, 'busi');
