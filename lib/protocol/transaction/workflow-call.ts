import { DtmArgumentError } from '../errors.js';
import { MAX_OP_LENGTH, parseIdentifier } from '../identifiers.js';
import { jsonReader } from '../json-reader.js';

/** How the coordinator calls a workflow; travels as JSON in `custom_data`. */
export interface WorkflowCall {
  /** Name under which its handler is registered. */
  readonly name: string;
  /** Its input. */
  readonly data: Uint8Array;
}

/**
 * Writes `custom_data` of a workflow.
 *
 * @param call - name and input
 */
export function encodeWorkflowCall(call: WorkflowCall): string {
  return JSON.stringify({ data: Buffer.from(call.data).toString('base64'), name: call.name });
}

/**
 * Reads `custom_data` of a workflow.
 *
 * @param customData - JSON text
 * @throws DtmArgumentError when it is missing, not JSON, or its name cannot be an operation
 */
export function decodeWorkflowCall(customData: string | undefined): WorkflowCall {
  let parsed: unknown;
  try {
    parsed = JSON.parse(customData || 'null');
  } catch (cause) {
    throw new DtmArgumentError('custom_data of a workflow must be JSON like {"name":"transfer","data":"<base64>"}', {
      cause,
    });
  }
  const json = jsonReader(parsed, 'custom_data of a workflow');
  return {
    name: parseIdentifier('workflow name', json.text('name'), MAX_OP_LENGTH),
    data: Buffer.from(json.text('data'), 'base64'),
  };
}
