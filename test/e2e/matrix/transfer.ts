/** Payload of every branch: money goes from one account to another. */
export interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

/** What the payer has before. */
export const OPENING_BALANCE = 100;

/** What every transfer moves. */
export const AMOUNT = 30;
