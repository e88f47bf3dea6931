import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
} from '@nestjs/common';
import { DtmService } from 'nestjs-dtm';
import { HAS_XA, XA_REQUIREMENT } from '../bank/bank-database.js';
import { parseTransfer } from '../bank/transfer.js';
import { TransferService } from './transfer.service.js';
import { MODES, ROUTES } from './transfer-options.js';

/** The HTTP API of this application. */
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
    @Query('over') over: string = ROUTES[0]!,
    @Body() body: unknown,
  ): Promise<{ gid: string; status: string }> {
    const options = { mode: oneOf(MODES, 'mode', mode), over: oneOf(ROUTES, 'over', over) };
    if (options.mode === 'xa' && !HAS_XA) throw new BadRequestException(XA_REQUIREMENT);
    const transfer = parseTransfer(body);
    const gid = await this.dtm.newGid();
    await this.transfers.run(options, gid, transfer);
    return { gid, status: 'succeed' };
  }

  /** Where a caller finds the result of a transfer that was not finished. */
  @Get(':gid')
  async show(@Param('gid') gid: string): Promise<{ gid: string; status: string }> {
    const found = await this.dtm.query(gid);
    if (!found) throw new NotFoundException(`there is no transfer ${gid}`);
    return { gid, status: found.transaction.status };
  }
}

function oneOf<T extends string>(allowed: readonly T[], name: string, value: string): T {
  const found = allowed.find((item) => item === value);
  if (found === undefined) throw new BadRequestException(`${name} must be one of ${allowed.join(', ')}`);
  return found;
}
