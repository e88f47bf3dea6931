import { BadRequestException, type PipeTransform } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeIssues } from './schema-issues.js';

/**
 * Creates the pipe of a parameter with a schema. Nest 12 has such a pipe, but Nest 11 has not, and an application-wide one would
 * convert the payload a second time.
 *
 * @param schema - checks and converts the payload
 */
export function createSchemaPipe(schema: StandardSchemaV1): PipeTransform<unknown, Promise<unknown>> {
  return {
    async transform(payload) {
      const result = await validate(schema, payload);
      if (result.issues) throw new BadRequestException(describeIssues(result.issues, payload));
      return result.value;
    },
  };
}

/**
 * Calls the schema. `validate` of Zod first tries without waiting: an asynchronous check would run twice, and an error of the first
 * run, for which nothing waits, would end the process. So Zod's own method is called.
 */
function validate(
  schema: StandardSchemaV1,
  payload: unknown,
): StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>> {
  return isZodSchema(schema)
    ? schema.safeParseAsync(payload).then(({ data, error }) => error ?? { value: data })
    : schema['~standard'].validate(payload);
}

interface ZodSchema {
  safeParseAsync(payload: unknown): Promise<{
    readonly data?: unknown;
    readonly error?: StandardSchemaV1.FailureResult | undefined;
  }>;
}

function isZodSchema(schema: object): schema is ZodSchema {
  return (
    (schema as StandardSchemaV1)['~standard'].vendor === 'zod' &&
    typeof (schema as Partial<ZodSchema>).safeParseAsync === 'function'
  );
}
