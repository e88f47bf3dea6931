import { randomUUID } from 'node:crypto';

/** A name that nothing in a registry has yet, which tells what it is of. */
export function freshName(what: string): string {
  return `${what}-${randomUUID().slice(0, 8)}`;
}
