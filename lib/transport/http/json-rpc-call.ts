import { randomUUID } from 'node:crypto';
import { DtmArgumentError, encodeJsonRpcRequest, isJsonObject, payloadText } from '../../protocol/internal.js';
import type { OutgoingBranchCall } from '../transport.js';

/** Whether a branch is called by JSON-RPC: docs/protocol.md#branch-urls. */
export function isJsonRpc({ protocol, url }: OutgoingBranchCall): boolean {
  return protocol === 'json-rpc' && URL.canParse(url) && new URL(url).searchParams.has('method');
}

/**
 * Creates the request of a JSON-RPC call, whose params are the fields of the payload and the branch parameters.
 *
 * @throws DtmArgumentError when the payload is not a JSON object
 */
export function jsonRpcRequest({ url, context, payload }: OutgoingBranchCall): {
  method: 'POST';
  url: string;
  body: string;
} {
  const { gid, transType, branchId, op } = context;
  const params = JSON.stringify({
    ...parseObject(payloadText(payload)),
    branch_id: branchId,
    gid,
    op,
    trans_type: transType,
  });
  const method = new URL(url).searchParams.get('method') ?? '';
  return { method: 'POST', url, body: encodeJsonRpcRequest(randomUUID(), method, params) };
}

function parseObject(payload: string): object {
  if (payload === '') return {};
  const value: unknown = JSON.parse(payload);
  if (isJsonObject(value)) return value;
  // other SDKs send null for "no payload"
  if (value === null) return {};
  throw new DtmArgumentError('the payload of a JSON-RPC branch must be a JSON object');
}
