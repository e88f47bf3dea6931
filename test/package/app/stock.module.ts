import { Controller, Module } from '@nestjs/common';
import { BranchPayload, DtmFailureError, DtmModule, SagaBranch } from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';

export interface Order {
  readonly pieces: number;
}

@Controller('stock')
export class StockController {
  calls: string[] = [];

  @SagaBranch({ compensate: 'release' })
  reserve(@BranchPayload() order: Order): void {
    this.calls.push(`reserve ${order.pieces}`);
    if (order.pieces > 10) throw new DtmFailureError('not enough in stock');
  }

  release(@BranchPayload() order: Order): void {
    this.calls.push(`release ${order.pieces}`);
  }
}

@Module({
  imports: [DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) })],
  controllers: [StockController],
})
export class StockModule {}
