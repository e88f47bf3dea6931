import { Module } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { DtmExceptionFilter } from 'nestjs-dtm';
import { BankInModule } from '../bank-in/bank-in.module.js';
import { BankOutModule } from '../bank-out/bank-out.module.js';
import { Demo } from './demo.js';
import { TransferController } from './transfer.controller.js';
import { TransferService } from './transfer.service.js';

@Module({
  imports: [BankOutModule, BankInModule],
  controllers: [TransferController],
  providers: [
    TransferService,
    Demo,
    {
      provide: APP_FILTER,
      inject: [HttpAdapterHost],
      useFactory: (host: HttpAdapterHost) =>
        new DtmExceptionFilter(host, { location: ({ gid }) => `/transfer/${gid}` }),
    },
  ],
})
export class TransferModule {}
