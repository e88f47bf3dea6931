import { BranchPayload } from 'nestjs-dtm';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

describe('@BranchPayload', () => {
  it('refuses a schema in place of a pipe, whose method transform a Zod schema has, too', () => {
    expect(() => BranchPayload(z.object({}) as never)).toThrow(
      /is a schema, not a pipe; write @BranchPayload\(\{ schema \}\)/,
    );
  });

  it.each([undefined, {}, { '~standard': {} }])('refuses what is no schema: %j', (schema) => {
    expect(() => BranchPayload({ schema } as never)).toThrow(/does not implement Standard Schema/);
  });

  it('takes a pipe with a property schema as a pipe', () => {
    expect(() => BranchPayload(Object.assign({ transform: () => 1 }, { schema: {} }))).not.toThrow();
  });
});
