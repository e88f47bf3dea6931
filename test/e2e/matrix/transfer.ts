/** Payload of every branch: a transfer between two accounts. */
export interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

/** Initial balance of the payer. */
export const OPENING_BALANCE = 100;

/** Amount of every transfer. */
export const AMOUNT = 30;
