import { DtmArgumentError } from '../errors.js';
import { parseGid, parseIdentifier } from '../identifiers.js';
import { jsonReader } from '../json-reader.js';
import { payloadText, type Payload } from '../payload.js';

/** Registers the second phase of a TCC branch before its try is called. */
export interface TccBranchRegistration {
  /** Global transaction. */
  readonly gid: string;
  /** Always `tcc`. */
  readonly transType: 'tcc';
  /** Id that the initiator chose. */
  readonly branchId: string;
  /** URL to confirm with. */
  readonly confirm: string;
  /** URL to cancel with. */
  readonly cancel: string;
  /** Body for confirm and cancel. */
  readonly payload: Payload;
}

/** Registers the second phase of an XA branch, from inside its first phase. */
export interface XaBranchRegistration {
  /** Global transaction. */
  readonly gid: string;
  /** Always `xa`. */
  readonly transType: 'xa';
  /** Id that the initiator chose. */
  readonly branchId: string;
  /** URL for commit and rollback. */
  readonly url: string;
}

/** Records the result of a step of a workflow. */
export interface WorkflowBranchRegistration {
  /** Global transaction. */
  readonly gid: string;
  /** Always `workflow`. */
  readonly transType: 'workflow';
  /** Id of the step. */
  readonly branchId: string;
  /** What was done. */
  readonly op: WorkflowOp;
  /** How it ended. */
  readonly status: 'succeed' | 'failed';
  /** Its result, or the text of its failure. */
  readonly payload: Payload;
}

/** Operation that a workflow records. */
export type WorkflowOp = 'action' | 'commit' | 'rollback' | 'business';

const WORKFLOW_OPS: readonly WorkflowOp[] = ['action', 'commit', 'rollback', 'business'];

/** What can be registered, one shape per mode. */
export type BranchRegistration = TccBranchRegistration | XaBranchRegistration | WorkflowBranchRegistration;

/**
 * Writes the flat body of registerBranch.
 *
 * @param branch - the branch
 * @throws DtmArgumentError when the payload is bytes that are not UTF-8
 */
export function encodeBranchRegistration(branch: BranchRegistration): string {
  const { gid, transType, branchId } = branch;
  return JSON.stringify({ gid, trans_type: transType, branch_id: branchId, ...ownFields(branch) });
}

function ownFields(branch: BranchRegistration): Record<string, string> {
  switch (branch.transType) {
    case 'tcc':
      return { data: payloadText(branch.payload), confirm: branch.confirm, cancel: branch.cancel };
    case 'xa':
      return { url: branch.url };
    case 'workflow':
      return { data: payloadText(branch.payload), op: branch.op, status: branch.status };
  }
}

/**
 * Reads the body of registerBranch.
 *
 * @param fields - flat object of texts
 * @throws DtmArgumentError when a field is missing or malformed, or the mode has no branches to register
 */
export function decodeBranchRegistration(fields: Readonly<Record<string, string>>): BranchRegistration {
  const json = jsonReader(fields, 'the request body');
  const transType = json.text('trans_type');
  if (transType !== 'tcc' && transType !== 'xa' && transType !== 'workflow') {
    // spelt as Go dtm spells it
    throw new DtmArgumentError(`unknow trans type: ${transType}`);
  }
  const gid = parseGid(json.text('gid'));
  const branchId = parseIdentifier('branch_id', json.text('branch_id'));
  switch (transType) {
    case 'tcc':
      return {
        gid,
        transType,
        branchId,
        confirm: json.text('confirm'),
        cancel: json.text('cancel'),
        payload: json.text('data'),
      };
    case 'xa':
      return { gid, transType, branchId, url: json.text('url') };
    case 'workflow':
      return {
        gid,
        transType,
        branchId,
        op: workflowOp(json.text('op')),
        status: workflowStatus(json.text('status')),
        payload: json.text('data'),
      };
  }
}

function workflowOp(text: string): WorkflowOp {
  const op = WORKFLOW_OPS.find((known) => known === text);
  if (!op)
    throw new DtmArgumentError(
      `op of a workflow branch must be one of ${WORKFLOW_OPS.join(', ')}, not ${JSON.stringify(text)}`,
    );
  return op;
}

function workflowStatus(text: string): 'succeed' | 'failed' {
  if (text === 'succeed' || text === 'failed') return text;
  throw new DtmArgumentError(`status of a workflow branch must be succeed or failed, not ${JSON.stringify(text)}`);
}
