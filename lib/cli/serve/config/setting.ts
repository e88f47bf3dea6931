import type { ValueParser } from './value-parsers.js';

/** Stores that `Store.Driver` can choose. */
export const STORE_DRIVERS = ['sqlite', 'memory', 'postgres', 'mysql'] as const;

/** A value of `Store.Driver`. */
export type StoreDriver = (typeof STORE_DRIVERS)[number];

/** The definition of a setting. */
export interface Setting<T> {
  /** Parses a value. */
  readonly parser: ValueParser<T>;
  /** The value when no source has the setting. */
  readonly defaultValue: T;
  /** The line of `--help`. */
  readonly description: string;
  /** Whether the value must never be printed. @default false */
  readonly isSecret?: boolean;
  /** The stores that use the setting. @default the setting does not belong to a store */
  readonly stores?: readonly StoreDriver[];
  /** Why a setting of dtm is accepted and changes nothing. @default the setting has an effect */
  readonly noEffect?: string;
}

/** The optional parts of a {@link Setting}. */
export type SettingTraits = Pick<Setting<unknown>, 'isSecret' | 'stores'>;

/** Defines a setting that always has a value. */
export function setting<T>(
  parser: ValueParser<T>,
  defaultValue: NoInfer<T>,
  description: string,
  traits?: SettingTraits,
): Setting<T> {
  return { parser, defaultValue, description, ...traits };
}

/** Defines a setting without a default. */
export function optional<T>(
  parser: ValueParser<T>,
  description: string,
  traits?: SettingTraits,
): Setting<T | undefined> {
  return { parser, defaultValue: undefined, description, ...traits };
}

/**
 * Defines a setting of dtm that is checked and changes nothing.
 *
 * @param dtmDefault - dtm's default, for which no notice is printed
 * @param why - why the setting has no effect
 */
export function withoutEffect<T>(parser: ValueParser<T>, dtmDefault: NoInfer<T>, why: string): Setting<T> {
  return { parser, defaultValue: dtmDefault, description: `no effect: ${why}`, noEffect: why };
}
