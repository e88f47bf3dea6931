import { describe, expect, it, vi } from 'vitest';
import { runExclusive } from '../../../lib/barrier/sql/run-exclusive.js';
import { processWide } from '../../../lib/support/process-wide.js';
import { shareClass } from '../../../lib/support/share-class.js';
import { PACKAGE_VERSION } from '../../../lib/support/version.js';
import manifest from '../../../package.json' with { type: 'json' };

/** Loads a module of lib once more, as a second copy of the package does. */
async function loadAgain<T>(load: () => Promise<T>): Promise<T> {
  vi.resetModules();
  return load();
}

describe('a value of the process', () => {
  it('is created once, however often the package is loaded', async () => {
    const other = await loadAgain(() => import('../../../lib/support/process-wide.js'));
    expect(other.processWide).not.toBe(processWide);
    const value = processWide('test', () => ({ from: 'first' }));
    expect(other.processWide('test', () => ({ from: 'second' }))).toBe(value);
    expect(other.processWide('other test', () => ({ from: 'second' }))).toEqual({ from: 'second' });
  });

  it('belongs to a version of the package, which is that of package.json', () => {
    const value = processWide('test of the version', () => ({}));
    expect(PACKAGE_VERSION).toBe(manifest.version);
    expect(
      (globalThis as Record<symbol, unknown>)[Symbol.for(`nestjs-dtm@${manifest.version}:test of the version`)],
    ).toBe(value);
  });

  it('lets two copies see that they wait for each other', async () => {
    const other = await loadAgain(() => import('../../../lib/barrier/sql/run-exclusive.js'));
    expect(other.runExclusive).not.toBe(runExclusive);
    const connection = {};
    await expect(
      runExclusive(connection, () => other.runExclusive(connection, () => Promise.resolve())),
    ).rejects.toThrow('would wait forever');
  });
});

describe('a shared class', () => {
  it('is the class of the copy that was loaded first', async () => {
    const library = {};
    @shareClass('Ledger', library)
    class First {
      readonly from = 'first';
    }
    const other = await loadAgain(() => import('../../../lib/support/share-class.js'));
    @other.shareClass('Ledger', library)
    class Second {
      readonly from = 'second';
    }
    expect(Second).toBe(First);
    expect(new Second()).toBeInstanceOf(First);
  });

  it('is another one for another name, and for another instance of the library', () => {
    const library = {};
    class Plain {
      readonly name = 'plain';
    }
    class Other {
      readonly name = 'other';
    }
    expect(shareClass('A', library)(Plain)).toBe(Plain);
    expect(shareClass('B', library)(Other)).toBe(Other);
    expect(shareClass('A', {})(Other)).toBe(Other);
    expect(shareClass('A', library)(Other)).toBe(Plain);
  });
});
