import { expect, it } from 'vitest';
import { pathKind } from '../../../lib/support/path-kind.js';

it.each([
  ['', ''],
  ['/', '/'],
  ['/orders/pay', '/orders/pay'],
  ['/orders/17/pay', '/orders/*/pay'],
  ['/api/v1/orders/6f1e-b2/pay/', '/api/*/orders/*/pay/'],
  ['/orders/a%2Fb', '/orders/*'],
  ['/17', '/*'],
])('the kind of the path %s is %s', (path, kind) => {
  expect(pathKind(path)).toBe(kind);
});
