import { DtmArgumentError, isError } from '../protocol/internal.js';

/** Codes of OpenSSL for a certificate that is not accepted, such as `DEPTH_ZERO_SELF_SIGNED_CERT`. */
const CERTIFICATE = /CERT|^UNABLE_TO_|^ERR_SSL_|^INVALID_CA$|^HOSTNAME_MISMATCH$/;

/**
 * Whether a call failed for a reason that waiting does not change: an unknown host, a refused certificate, a call that cannot
 * be written.
 *
 * @param error - what the call threw
 */
export function isDefiniteError(error: unknown): boolean {
  if (error instanceof DtmArgumentError) return true;
  const code = isError(error) ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && (code === 'ENOTFOUND' || CERTIFICATE.test(code));
}
