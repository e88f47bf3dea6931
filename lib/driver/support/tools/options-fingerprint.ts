import { createHash } from 'node:crypto';

/**
 * Names registries that are reached with certain options, so that others can be told from them without showing a secret.
 *
 * @param options - as the user gave them
 * @returns undefined when there are none
 */
export function optionsFingerprint(options: object | undefined): string | undefined {
  const text = JSON.stringify(options ?? {});
  if (text === '{}') return undefined;
  return `registries with the options #${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}
