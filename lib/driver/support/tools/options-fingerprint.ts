import { createHash } from 'node:crypto';

/**
 * Names the registries that are reached with certain options, without showing a secret of the options.
 *
 * @returns undefined for no options
 */
export function optionsFingerprint(options: object | undefined): string | undefined {
  const text = JSON.stringify(options ?? {});
  if (text === '{}') return undefined;
  return `registries with the options #${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}
