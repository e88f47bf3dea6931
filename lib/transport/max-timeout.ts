/** Longest time of a timer in Node; a longer one fires at once. */
export const MAX_TIMEOUT_MS = 0x7fffffff;
