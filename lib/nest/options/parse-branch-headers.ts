import { AsyncResource } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import {
  DtmConfigError,
  assertBranchHeaders,
  errorText,
  isJsonObject,
  mergeBranchHeaders,
  type BranchHeaders,
  type BranchHeadersCall,
  type BranchHeadersSource,
} from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';
import { internalErrorText, newErrorId } from '../../support/error-id.js';

const REMEDY = "give an object such as { authorization: 'Bearer …' }, or a function that returns it";

/**
 * Checks the option `branchHeaders`.
 *
 * @returns headers with names in lower case, or a function whose headers are checked at each call
 * @throws DtmConfigError when a header cannot be sent
 */
export function parseBranchHeaders(source: unknown): BranchHeadersSource | undefined {
  if (source === undefined) return undefined;
  if (typeof source !== 'function') return parseHeaders(source);
  // the first attempt must see the same as all others: nothing of the request that started the transaction
  const outside = new AsyncResource('nestjs-dtm branch headers');
  const compute = source as (call: BranchHeadersCall) => unknown;
  return async (call: BranchHeadersCall) => {
    try {
      const headers: unknown = await outside.runInAsyncScope(compute, undefined, call);
      return parseHeaders(isJsonObject(headers) ? withoutUndefined(headers) : headers);
    } catch (cause) {
      if (cause instanceof DtmConfigError) throw cause;
      throw logged(cause, call);
    }
  };
}

/** An error of the application's function may contain credentials, so that only the log has its text. */
function logged(cause: unknown, { gid, transType, branchId, op }: BranchHeadersCall): DtmConfigError {
  const id = newErrorId();
  const branch = branchId === undefined ? '' : `, branch ${branchId}, ${op}`;
  const text = `DtmModule: branchHeaders failed for ${transType} ${gid}${branch}`;
  new Logger('DtmModule').error(
    `${text}: ${errorText(cause)} (internal error ${id})`,
    cause instanceof Error ? cause.stack : undefined,
  );
  return new DtmConfigError(`${text}: ${internalErrorText(id)}`, { cause, gid });
}

function withoutUndefined(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

function parseHeaders(value: unknown): BranchHeaders {
  if (!isJsonObject(value)) {
    // a text may be a credential
    const shown = typeof value === 'string' ? 'a text' : describeValue(value);
    throw new DtmConfigError(`DtmModule: branchHeaders is ${shown}; ${REMEDY}`);
  }
  for (const [name, header] of Object.entries(value)) {
    if (typeof header === 'string') continue;
    throw new DtmConfigError(`DtmModule: branchHeaders.${name} must be a text, not ${typeof header}; ${REMEDY}`);
  }
  const headers = value as BranchHeaders;
  try {
    assertBranchHeaders(headers);
  } catch (cause) {
    throw new DtmConfigError(`DtmModule: branchHeaders: ${errorText(cause)}`, { cause });
  }
  return Object.freeze(mergeBranchHeaders(headers, undefined));
}
