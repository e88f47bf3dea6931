import { DtmArgumentError } from '../errors.js';
import { parseGid, parseIdentifier } from '../identifiers.js';
import { jsonReader } from '../json-reader.js';
import { payloadText, type Payload } from '../payload.js';

/** Registers the second phase of a TCC branch before its try is called. */
export interface TccBranchRegistration {
  /** Global transaction. */
  readonly gid: string;
  readonly transType: 'tcc';
  /** Id of the branch, which the initiator chose. */
  readonly branchId: string;
  /** URL of the confirm. */
  readonly confirm: string;
  /** URL of the cancel. */
  readonly cancel: string;
  /** Body of confirm and cancel. */
  readonly payload: Payload;
}

/** Registers the second phase of an XA branch, during its first phase. */
export interface XaBranchRegistration {
  /** Global transaction. */
  readonly gid: string;
  readonly transType: 'xa';
  /** Id of the branch, which the initiator chose. */
  readonly branchId: string;
  /** URL of commit and rollback. */
  readonly url: string;
}

/** Records the result of a step of a workflow. */
export interface WorkflowBranchRegistration {
  /** Global transaction. */
  readonly gid: string;
  readonly transType: 'workflow';
  /** Id of the step. */
  readonly branchId: string;
  /** Operation that the step was. */
  readonly op: WorkflowOp;
  /** How the step ended. */
  readonly status: 'succeed' | 'failed';
  /** Result of the step, or the text of its failure. */
  readonly payload: Payload;
}

/** Operation that a workflow records. */
export type WorkflowOp = 'action' | 'commit' | 'rollback' | 'business';

const WORKFLOW_OPS: readonly WorkflowOp[] = ['action', 'commit', 'rollback', 'business'];

/** A branch to register, one shape for each mode: docs/protocol.md#branch-registration. */
export type BranchRegistration = TccBranchRegistration | XaBranchRegistration | WorkflowBranchRegistration;

/**
 * Writes the body of registerBranch: docs/protocol.md#branch-registration.
 *
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
 * @param fields - flat object of strings
 * @throws DtmArgumentError when a field is missing or malformed, or transactions of the mode register no branches
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
