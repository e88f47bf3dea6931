import { describe, expect, it } from 'vitest';
import { carefulLogger, withoutCredentials } from '../../../lib/server/careful-logger.js';
import { RecordingLogger } from '../../support/recording-logger.js';

describe('a text without credentials', () => {
  it.each([
    ['http://user:secret@bank/a', 'http://***@bank/a'],
    ['https://secret@bank', 'https://***@bank'],
    ['http://user:se@cret@bank/a', 'http://***@bank/a'],
    ['etcd://user:secret@e1:2379,e2:2379/trans', 'etcd://***@e1:2379,e2:2379/trans'],
    ['url:http://u:secret@bank/a return failed: no', 'url:http://***@bank/a return failed: no'],
    ['http://u:secret@a/ and http://v:secret@b/', 'http://***@a/ and http://***@b/'],
    ['http://u:secret@a\nhttp://v:secret@b', 'http://***@a\nhttp://***@b'],
    ['"http://u:secret@a"', '"http://***@a"'],
  ])('%j is %j', (text, without) => {
    expect(withoutCredentials(text)).toBe(without);
  });

  it.each([
    'http://bank/a@b',
    'http://bank/?mail=me@example.org',
    'http://bank#a@b',
    'mail to me@example.org',
    'bank:50051/bank.Bank/TransOut',
    '//',
    '',
  ])('%j stays as it is', (text) => {
    expect(withoutCredentials(text)).toBe(text);
  });

  it('is found in no time, whatever the text is like', () => {
    const texts = ['//', '//a', '@', '// @'].map((part) => part.repeat(200_000));
    for (const text of texts) expect(withoutCredentials(text).length).toBeGreaterThan(0);
  });
});

describe('a careful logger', () => {
  it.each(['info', 'warn', 'error'] as const)('leaves credentials out of %s: message and fields', (level) => {
    const logger = new RecordingLogger();
    const fields = { url: 'http://u:secret@bank', gid: 'g', count: 3, nothing: undefined };
    carefulLogger(logger)[level]('at http://u:secret@bank', fields);
    carefulLogger(logger)[level]('alone');
    expect(logger.lines).toEqual([
      { level, message: 'at http://***@bank', fields: { ...fields, url: 'http://***@bank' } },
      { level, message: 'alone', fields: {} },
    ]);
  });

  it('is not stopped by a logger that throws', () => {
    const fail = (): never => {
      throw new Error('disk full');
    };
    const logger = carefulLogger({ info: fail, warn: fail, error: fail });
    expect(() => {
      logger.info('a');
      logger.warn('a', { url: 'http://u:p@b' });
      logger.error('a');
    }).not.toThrow();
  });
});
