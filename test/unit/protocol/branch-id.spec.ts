import { describe, expect, it } from 'vitest';
import { DtmArgumentError, branchIds, stepBranchId } from '../../../lib/protocol/internal.js';

const take = (next: () => string, count: number): string[] => Array.from({ length: count }, () => next());

describe('branch ids', () => {
  it('count from 01 to 99 under one parent; the 100th is refused, again and again', () => {
    const next = branchIds();
    const ids = take(next, 99);
    expect(ids.slice(0, 10)).toEqual(['01', '02', '03', '04', '05', '06', '07', '08', '09', '10']);
    expect(ids.at(-1)).toBe('99');
    expect(next).toThrow(DtmArgumentError);
    expect(next).toThrow('the branch cannot be added: a parent has at most 99 branches');
  });

  it('of children begin with the id of the parent', () => {
    expect(take(branchIds('01'), 2)).toEqual(['0101', '0102']);
    expect(take(branchIds('0199'), 1)).toEqual(['019901']);
  });

  it('are refused under a parent of 20 characters', () => {
    expect(branchIds('1'.repeat(19))()).toHaveLength(21);
    expect(branchIds('1'.repeat(20))).toThrow('the branch cannot be added: the id of its parent has 20 characters');
  });

  it('count independently for each generator', () => {
    const [first, second] = [branchIds(), branchIds()];
    first();
    expect(second()).toBe('01');
  });

  it.each([
    [1, '01'],
    [99, '99'],
    [100, '100'],
    [10_000, '10000'],
  ])('of step %i is %s', (step, id) => {
    expect(stepBranchId(step)).toBe(id);
  });
});
