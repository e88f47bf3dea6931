import { Module } from '@nestjs/common';
import { BankInModule } from '../bank-in/bank-in.module.js';
import { BankOutModule } from '../bank-out/bank-out.module.js';
import { Demo } from './demo.js';
import { TransferController } from './transfer.controller.js';
import { TransferService } from './transfer.service.js';

@Module({
  imports: [BankOutModule, BankInModule],
  controllers: [TransferController],
  providers: [TransferService, Demo],
})
export class TransferModule {}
