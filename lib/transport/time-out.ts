/** A call ended because its time was over. */
export class TimeOutError extends Error {}

/** Which option sets the time of a branch call; a part of its message. */
export const TIME_OUT_HINT =
  'requestTimeoutSeconds of the branch, of the transaction or of the coordinator sets this time';
