import { randomUUID } from 'node:crypto';

/** A unique name for a registry, with a readable prefix. */
export function freshName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}
