/** A value as it is bound to a placeholder. */
export type SqlValue = string | number | boolean | Uint8Array | null;
