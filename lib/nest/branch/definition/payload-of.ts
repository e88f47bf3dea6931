import type { StandardSchemaV1 } from '@standard-schema/spec';

/**
 * Carries the input type of the schema that made a value. No value has the property.
 *
 * @typeParam I - the input type
 */
export interface ConvertedFrom<I> {
  /** Exists in types only. */
  readonly '~input'?: { readonly type: I } | undefined;
}

/**
 * The payload of a branch whose parameter has `@BranchPayload({ schema })`: the output of the schema. `branchOf` takes the input of
 * the schema from callers. Use the type when input and output differ, as with `z.coerce` and transforms; otherwise the output type is
 * enough.
 *
 * @typeParam S - type of the schema
 *
 * @example
 * const TransferSchema = z.object({ userId: z.number(), day: z.iso.date().transform((text) => new Date(text)) });
 * type Transfer = PayloadOf<typeof TransferSchema>;
 */
export type PayloadOf<S extends StandardSchemaV1> =
  StandardSchemaV1.InferOutput<S> extends infer O
    ? 0 extends 1 & O
      ? O
      : unknown extends O
        ? O
        : O extends null | undefined
          ? O
          : O & ConvertedFrom<StandardSchemaV1.InferInput<S>>
    : never;

/** What callers send for a parameter: the input of the schema for a {@link PayloadOf}, otherwise the type itself. */
export type PayloadInput<P> = '~input' extends keyof NonNullable<P>
  ? NonNullable<P> extends ConvertedFrom<infer I>
    ? I
    : P
  : P;
