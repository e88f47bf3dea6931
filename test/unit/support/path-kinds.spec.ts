import { expect, it } from 'vitest';
import { PathKinds } from '../../../lib/support/path-kinds.js';

/** A name without a digit for a number. */
const nameOf = (number: number): string =>
  `user${[...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`;

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => nameOf(index));

it('paths stay as they are, but for segments with a digit and very long segments', () => {
  const kinds = new PathKinds();
  for (const path of ['', '/', '/orders/pay', '/orders/pay/']) expect(kinds.of(path, 'http://bank')).toBe(path);
  expect(kinds.of('/orders/17/pay', 'http://bank')).toBe('/orders/*/pay');
  expect(kinds.of(`/orders/${'a'.repeat(65)}/pay`, 'http://bank')).toBe('/orders/*/pay');
});

it('a segment that has had more than 24 values is an id', () => {
  const kinds = new PathKinds();
  for (const name of names(24)) expect(kinds.of(`/users/${name}/pay`, 'http://bank')).toBe(`/users/${name}/pay`);
  expect(kinds.of('/users/ann/pay', 'http://bank')).toBe('/users/*/pay');
  // those from before, too: ids are not told from other values then
  expect(kinds.of(`/users/${nameOf(1)}/pay`, 'http://bank')).toBe('/users/*/pay');
  expect(kinds.of('/users/bob/refund', 'http://bank')).toBe('/users/*/refund');
});

it('the ids of one server and of one beginning say nothing about others', () => {
  const kinds = new PathKinds();
  for (const name of names(100)) kinds.of(`/users/${name}/pay`, 'http://bank');
  expect(kinds.of('/users/ann/pay', 'http://shop')).toBe('/users/ann/pay');
  expect(kinds.of('/accounts/ann/pay', 'http://bank')).toBe('/accounts/ann/pay');
});

it('also after very many paths, whose beginnings are forgotten', () => {
  const kinds = new PathKinds();
  for (const name of names(5000)) kinds.of(`/${name}/list`, `http://${name}`);
  for (const name of names(25)) kinds.of(`/users/${name}/pay`, 'http://bank');
  expect(kinds.of('/users/ann/pay', 'http://bank')).toBe('/users/*/pay');
});
