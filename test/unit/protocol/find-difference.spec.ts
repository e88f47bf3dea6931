import { expect, it } from 'vitest';
import { findDifference, type BranchRecord, type TransactionRequest } from '../../../lib/protocol/internal.js';

const STEPS = [1, 2, 3].map((n) => ({ action: `http://b/a${n}`, compensate: `http://b/c${n}` }));

const request = (count: number): TransactionRequest => ({
  gid: 'g',
  transType: 'saga',
  protocol: 'http',
  steps: STEPS.slice(0, count),
});

const branches = (count: number): BranchRecord[] =>
  STEPS.slice(0, count).flatMap(({ action, compensate = '' }, index) => {
    const branch = { branchId: `0${index + 1}`, payload: '', status: 'prepared' } as const;
    return [
      { ...branch, op: 'compensate', url: compensate },
      { ...branch, op: 'action', url: action },
    ];
  });

it.each([
  ['fewer steps', 1, 2, 'the number of steps (1 sent, 2 stored)'],
  ['more steps', 3, 2, 'step 3, which is not stored'],
  ['the same steps', 2, 2, undefined],
  ['no steps', 0, 2, undefined],
])('a repeated saga with %s', (_title, sent, stored, difference) => {
  expect(findDifference(request(sent), branches(stored))).toBe(difference);
});
