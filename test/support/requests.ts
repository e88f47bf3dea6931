import type { TransactionRequest } from 'nestjs-dtm/protocol';

/** A saga; the URLs of the first step are `http://b/a1` and `http://b/c1`. */
export function sagaRequest(gid: string, steps = 1, change: Partial<TransactionRequest> = {}): TransactionRequest {
  const numbers = Array.from({ length: steps }, (_, index) => index + 1);
  return {
    gid,
    transType: 'saga',
    steps: numbers.map((number) => ({ action: `http://b/a${number}`, compensate: `http://b/c${number}` })),
    payloads: numbers.map((number) => `{"step":${number}}`),
    ...change,
  };
}

export function tccRequest(gid: string, change: Partial<TransactionRequest> = {}): TransactionRequest {
  return { gid, transType: 'tcc', ...change };
}

export function tccBranch(gid: string, branchId: string) {
  return {
    gid,
    transType: 'tcc',
    branchId,
    confirm: `http://b/confirm${branchId}`,
    cancel: `http://b/cancel${branchId}`,
    payload: '{}',
  } as const;
}
