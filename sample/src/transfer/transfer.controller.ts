import { BadRequestException, Body, ConflictException, Controller, HttpCode, Post, Query } from '@nestjs/common';
import { DtmFailureError, DtmService } from 'nestjs-dtm';
import { parseTransfer } from '../bank/transfer.js';
import { MODES, TransferService, type Mode } from './transfer.service.js';

/** What people call. */
@Controller('transfer')
export class TransferController {
  constructor(
    private readonly transfers: TransferService,
    private readonly dtm: DtmService,
  ) {}

  @Post()
  @HttpCode(200)
  async transfer(
    @Query('mode') mode: string = 'saga',
    @Body() body: unknown,
  ): Promise<{ gid: string; status: string }> {
    if (!(MODES as readonly string[]).includes(mode))
      throw new BadRequestException(`mode must be one of ${MODES.join(', ')}`);
    const transfer = parseTransfer(body);
    const gid = await this.dtm.newGid();
    try {
      await this.transfers.run(mode as Mode, gid, transfer);
    } catch (error) {
      if (error instanceof DtmFailureError) throw new ConflictException(error.message, { cause: error });
      throw error;
    }
    return { gid, status: 'succeed' };
  }
}
