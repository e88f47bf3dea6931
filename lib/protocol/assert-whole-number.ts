import { DtmArgumentError } from './errors.js';

/** @throws DtmArgumentError when an option is set, but is no whole number, 0 or more */
export function assertWholeNumber(name: string, value: unknown): void {
  if (value === undefined || (Number.isInteger(value) && (value as number) >= 0)) return;
  throw new DtmArgumentError(`${name} must be a whole number, 0 or more, not ${String(value)}`);
}
