import { Body, type PipeTransform, type Type } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DtmConfigError } from '../../../protocol/internal.js';
import type { BranchHandler, HandlerPayload } from '../definition/handler-types.js';
import { createSchemaPipe } from '../serve/schema-pipe.js';

/**
 * Options of {@link BranchPayload}.
 *
 * @typeParam S - type of the schema
 */
export interface BranchPayloadOptions<S extends StandardSchemaV1> {
  /** Schema of Zod, Valibot, ArkType or any other library with Standard Schema. The method receives its output. */
  readonly schema: S;
}

/** A pipe for a payload. A schema belongs into the options. */
export type PayloadPipe = (Type<PipeTransform> | PipeTransform) & { readonly '~standard'?: never };

/**
 * A class whose method `K` may have a parameter with the schema: the parameter takes the output of the schema, and what callers
 * send for the parameter is an input of the schema.
 */
export type WithPayload<C, K extends keyof C, S extends StandardSchemaV1> = {
  readonly [M in K]: C[M] extends (payload: infer P, ...others: never[]) => unknown
    ? [StandardSchemaV1.InferOutput<S>, HandlerPayload<C[M]>] extends [P, StandardSchemaV1.InferInput<S>]
      ? C[M]
      : { readonly 'the type of the payload must be PayloadOf<typeof schema>': S }
    : BranchHandler;
};

/**
 * Injects the payload of a branch, always as the first parameter; undefined when the call carries none. The payload is
 * the body of the request, or the message over gRPC. Pipes such as ValidationPipe receive the class of the parameter,
 * as with `@Body()`.
 *
 * @param pipes - pipes for this parameter
 */
export function BranchPayload(...pipes: PayloadPipe[]): ParameterDecorator;
/**
 * Injects the payload of a branch, checked and converted by a schema, after all pipes of the application. The schema refuses a payload
 * as a pipe does: the branch fails, and its method does not run.
 *
 * @param options - the schema
 *
 * @example
 * \@SagaBranch({ compensate: 'undoTransOut' })
 * async transOut(@BranchPayload({ schema: TransferSchema }) transfer: PayloadOf<typeof TransferSchema>) { … }
 */
export function BranchPayload<S extends StandardSchemaV1>(
  options: BranchPayloadOptions<S>,
): <C extends object, K extends keyof C>(target: C & WithPayload<C, K, S>, method: K & string, index: number) => void;
export function BranchPayload(...args: (PayloadPipe | BranchPayloadOptions<StandardSchemaV1>)[]): ParameterDecorator {
  return Body(...args.map(toPipe));
}

function toPipe(arg: PayloadPipe | BranchPayloadOptions<StandardSchemaV1>): Type<PipeTransform> | PipeTransform {
  // a Zod schema has a method transform, as a pipe has
  if (arg['~standard' as never] !== undefined) {
    throw new DtmConfigError(
      '@BranchPayload(…): the argument is a schema, not a pipe; write @BranchPayload({ schema })',
    );
  }
  if (typeof arg === 'function' || 'transform' in arg) return arg;
  const { schema } = arg;
  if (typeof schema?.['~standard']?.validate === 'function') return createSchemaPipe(schema);
  throw new DtmConfigError(
    '@BranchPayload({ schema }): the schema does not implement Standard Schema; use Zod 3.24, Valibot 1, ArkType 2 or later',
  );
}
