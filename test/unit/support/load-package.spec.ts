import { DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { importPackage, requirePackage } from '../../../lib/support/load-package.js';

describe('an optional package', () => {
  it('is loaded', async () => {
    expect(await importPackage(() => import('node:path'), 'path', 'a test')).toHaveProperty('join');
    expect(requirePackage('node:path', 'a test')).toHaveProperty('join');
  });

  it('that is not installed throws an error with the install command', async () => {
    const message = 'a test needs the package not-installed; run: npm install not-installed';
    const missing = Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' });
    const imported = importPackage(() => Promise.reject(missing), 'not-installed', 'a test');
    await expect(imported).rejects.toThrow(DtmConfigError);
    await expect(imported).rejects.toThrow(message);
    expect(() => requirePackage('not-installed', 'a test')).toThrow(message);
  });

  it('that fails to load for another reason throws its own error', async () => {
    const broken = new SyntaxError('broken');
    await expect(importPackage(() => Promise.reject(broken), 'broken', 'a test')).rejects.toBe(broken);
  });
});
