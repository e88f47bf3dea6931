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
  return async (call: BranchHeadersCall) => {
    try {
      return parseHeaders(
        await outside.runInAsyncScope(source as (call: BranchHeadersCall) => unknown, undefined, call),
      );
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

function parseHeaders(headers: unknown): BranchHeaders {
  if (!isJsonObject(headers)) {
    // a text may be a credential
    const shown = typeof headers === 'string' ? 'a text' : describeValue(headers);
    throw new DtmConfigError(`DtmModule: branchHeaders is ${shown}; ${REMEDY}`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') continue;
    throw new DtmConfigError(`DtmModule: branchHeaders.${name} must be a text, not ${typeof value}; ${REMEDY}`);
  }
  try {
    assertBranchHeaders(headers as BranchHeaders);
  } catch (cause) {
    throw new DtmConfigError(`DtmModule: branchHeaders: ${errorText(cause)}`, { cause });
  }
  return Object.freeze(mergeBranchHeaders(headers as BranchHeaders, undefined));
}
