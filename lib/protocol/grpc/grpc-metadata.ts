import type { BranchContext } from '../branch/branch-context.js';
import { DtmArgumentError } from '../errors.js';

/** Maximum number of bytes of metadata that gRPC servers take by default. */
const MAX_METADATA_BYTES = 8192;

/** Bytes that an entry counts in addition to its name and value (RFC 7541, section 4.1). */
const ENTRY_BYTES = 32;

/**
 * Names that frame the message, belong to the connection or to gRPC: a branch header of that name cannot be sent, Go
 * leaves it out, too.
 */
const NOT_OURS_TO_SET = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

/**
 * The metadata of a branch call: docs/protocol.md#grpc-metadata. `dtm-dtm` is there even when it is empty.
 *
 * @param context - who calls, and for what
 * @returns values by name
 * @throws DtmArgumentError naming what gRPC cannot carry: names other than letters, digits and `_.-`, values other than
 *   printable ASCII, more than 8 KiB
 */
export function branchMetadata(
  { gid, transType, branchId, op, dtm, phase2Url }: BranchContext,
  branchHeaders?: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(branchHeaders ?? {})) {
    const lower = name.toLowerCase();
    if (!NOT_OURS_TO_SET.has(lower) && !lower.startsWith('grpc-')) metadata.set(lower, value);
  }
  metadata.set('dtm-gid', gid);
  metadata.set('dtm-trans_type', transType);
  metadata.set('dtm-branch_id', branchId);
  metadata.set('dtm-op', op);
  metadata.set('dtm-dtm', dtm ?? '');
  if (phase2Url) metadata.set('dtm-phase2_url', phase2Url);
  checkMetadata(metadata);
  return metadata;
}

/** @param problem - of the entry, ends the sentence that begins with its name */
export function metadataError(name: string, problem: string): DtmArgumentError {
  return new DtmArgumentError(
    `gRPC metadata ${JSON.stringify(name)} ${problem}; use letters, digits and _.- in names, and printable ASCII in values`,
  );
}

function checkMetadata(metadata: ReadonlyMap<string, string>): void {
  let size = 0;
  for (const [name, value] of metadata) {
    size += name.length + value.length + ENTRY_BYTES;
    const isText = name.endsWith('-bin') || /^[ -~]*$/.test(value);
    if (!/^[a-z\d_.-]+$/.test(name) || !isText) {
      // a branch header may be a credential
      const shown = name.startsWith('dtm-') ? `the value ${JSON.stringify(value.slice(0, 200))}` : 'this name or value';
      throw metadataError(name, `cannot have ${shown}`);
    }
  }
  if (size > MAX_METADATA_BYTES) {
    throw new DtmArgumentError(
      `the branch headers have ${size} bytes, but gRPC servers take at most ${MAX_METADATA_BYTES} bytes of metadata; send fewer or shorter headers`,
    );
  }
}
