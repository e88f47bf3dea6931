import type { Kind } from './kinds.js';

/** Stores that `Store.Driver` can choose. */
export const STORE_DRIVERS = ['sqlite', 'memory', 'postgres', 'mysql'] as const;

/** A value of `Store.Driver`. */
export type StoreDriver = (typeof STORE_DRIVERS)[number];

/** What is known about one setting. */
export interface Setting<T> {
  /** What it may be. */
  readonly kind: Kind<T>;
  /** Its value when nobody gives one. */
  readonly byDefault: T;
  /** What it means, for `--help`. */
  readonly about: string;
  /** Never printed. @default false */
  readonly isSecret?: boolean;
  /** The stores that use it. @default it has nothing to do with stores */
  readonly stores?: readonly StoreDriver[];
  /** Why it changes nothing here, for a setting of dtm that is accepted all the same. @default it has an effect */
  readonly noEffect?: string;
}

/** What {@link setting} and its siblings leave to the caller. */
export type SettingTraits = Pick<Setting<unknown>, 'isSecret' | 'stores'>;

/**
 * A setting that always has a value.
 *
 * @param kind - what it may be
 * @param byDefault - its value when nobody gives one
 * @param about - what it means
 * @param traits - what else is known
 */
export function setting<T>(kind: Kind<T>, byDefault: NoInfer<T>, about: string, traits?: SettingTraits): Setting<T> {
  return { kind, byDefault, about, ...traits };
}

/**
 * A setting that has a value only when somebody gives one.
 *
 * @param kind - what it may be
 * @param about - what it means
 * @param traits - what else is known
 */
export function optional<T>(kind: Kind<T>, about: string, traits?: SettingTraits): Setting<T | undefined> {
  return { kind, byDefault: undefined, about, ...traits };
}

/**
 * A setting of dtm that is read and checked, and changes nothing here.
 *
 * @param kind - what it may be
 * @param byDefault - dtm's default; who gives it is not told that it has no effect
 * @param why - why it has none
 */
export function withoutEffect<T>(kind: Kind<T>, byDefault: NoInfer<T>, why: string): Setting<T> {
  return { kind, byDefault, about: `no effect: ${why}`, noEffect: why };
}
