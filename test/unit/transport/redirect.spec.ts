import { describe, expect, it } from 'vitest';
import { findRedirect, redirectRefusal } from '../../../lib/transport/http/redirect.js';

const refusal = (from: string, location: string, headers: Readonly<Record<string, string>> = {}) =>
  redirectRefusal(new URL(from), { status: 307, location }, headers, 0);

describe('a redirect', () => {
  it('is read relative to the URL of the request', () => {
    const from = new URL('https://bank:8443/a/b?c=1');
    expect(findRedirect(from, 307, { location: 'd?e=2' })).toEqual({
      status: 307,
      location: 'https://bank:8443/a/d?e=2',
    });
    expect(findRedirect(from, 200, { location: '/x' })).toBeUndefined();
    expect(findRedirect(from, 304, {})).toBeUndefined();
  });

  it('from https to http is not followed', () => {
    expect(refusal('https://bank/a', 'http://bank/a')).toBe(
      'status 307: redirects from https to http are not followed; use the URL http://bank/a instead',
    );
    expect(refusal('http://bank/a', 'https://bank/a')).toBeUndefined();
  });

  it('to another scheme, host or port is one to another server', () => {
    const headers = { authorization: 'x' };
    expect(refusal('http://bank/a', 'http://bank/b', headers)).toBeUndefined();
    for (const location of ['https://bank/a', 'http://bank:8080/a', 'http://shop/a']) {
      expect(refusal('http://bank/a', location, headers)).toContain('has the header authorization');
    }
  });
});
