import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { isDefiniteError } from '../../../lib/transport/is-definite-error.js';

const withCode = (code: string): Error => Object.assign(new Error('no'), { code });

it.each([
  'ENOTFOUND',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])('waiting does not change %s', (code) => {
  expect(isDefiniteError(withCode(code))).toBe(true);
});

it.each(['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ETIMEDOUT', 'UND_ERR_SOCKET'])('waiting may change %s', (code) => {
  expect(isDefiniteError(withCode(code))).toBe(false);
});

it('waiting does not change a call that cannot be written', () => {
  expect(isDefiniteError(new DtmArgumentError('not an object'))).toBe(true);
  expect(isDefiniteError('text')).toBe(false);
});
