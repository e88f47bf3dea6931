import { DtmArgumentError } from './errors.js';
import { checkGid, checkIdentifier } from './identifiers.js';
import { jsonReader } from './json-reader.js';
import { payloadText, type Payload } from './payload.js';

/** Registers the second phase of a TCC branch before its try is called (`dtm-protocol.md` §1.5). */
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

/** What can be registered, one shape per mode. */
export type BranchRegistration = TccBranchRegistration;

/**
 * Writes the flat body of registerBranch.
 *
 * @param branch - the branch
 * @throws DtmArgumentError when the payload is bytes that are not UTF-8
 */
export function encodeBranchRegistration(branch: BranchRegistration): string {
  return JSON.stringify({
    gid: branch.gid,
    trans_type: branch.transType,
    branch_id: branch.branchId,
    data: payloadText(branch.payload),
    confirm: branch.confirm,
    cancel: branch.cancel,
  });
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
  // spelt as Go dtm spells it (`dtm-protocol.md` §1.5)
  if (transType !== 'tcc') throw new DtmArgumentError(`unknow trans type: ${transType}`);
  return {
    gid: checkGid(json.text('gid')),
    transType,
    branchId: checkIdentifier('branch_id', json.text('branch_id')),
    confirm: json.text('confirm'),
    cancel: json.text('cancel'),
    payload: json.text('data'),
  };
}
