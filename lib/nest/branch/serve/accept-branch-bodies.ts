import type { AbstractHttpAdapter } from '@nestjs/core';
import { acceptEmptyJsonBodies, hasParserHooks } from '../../undocumented/empty-json-bodies.js';
import { acceptStrictJsonBodies } from '../../undocumented/strict-json-bodies.js';
import { hasBranchParameters } from './branch-parameters.js';

/**
 * Accepts the bodies that dtm and its SDKs send and that an HTTP framework may refuse before any handler: JSON values such
 * as `null`, and a JSON content type without a body. Only requests with dtm's parameters are affected.
 *
 * An adapter is known by what it can do: either its framework has hooks around the parsers, or `use` takes Connect's
 * middleware for errors.
 *
 * @param adapter - the application's HTTP adapter, its parsers registered
 */
export function acceptBranchBodies(adapter: AbstractHttpAdapter): void {
  if (hasParserHooks(adapter)) acceptEmptyJsonBodies(adapter, hasBranchParameters);
  else acceptStrictJsonBodies(adapter, hasBranchParameters);
}
