import { MAX_OP_LENGTH, parseIdentifier } from '../identifiers.js';
import { jsonReader, parseJson } from '../json-reader.js';

/** How the coordinator calls a workflow, JSON in `custom_data`: docs/protocol.md#workflow. */
export interface WorkflowCall {
  /** Name under which the handler of the workflow is registered. */
  readonly name: string;
  /** Input of the workflow. */
  readonly data: Uint8Array;
}

/** Writes `custom_data` of a workflow. */
export function encodeWorkflowCall(call: WorkflowCall): string {
  return JSON.stringify({ data: Buffer.from(call.data).toString('base64'), name: call.name });
}

/**
 * Reads `custom_data` of a workflow.
 *
 * @throws DtmArgumentError when `custom_data` is missing or not JSON, or the name cannot be an operation
 */
export function decodeWorkflowCall(customData: string | undefined): WorkflowCall {
  const what = 'custom_data of a workflow';
  const json = jsonReader(parseJson(customData || 'null', what, '{"name":"transfer","data":"<base64>"}'), what);
  return {
    name: parseIdentifier('workflow name', json.text('name'), MAX_OP_LENGTH),
    data: Buffer.from(json.text('data'), 'base64'),
  };
}
