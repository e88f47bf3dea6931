import { LineCounter, isAlias, isMap, isScalar, parseDocument, type Document, type Node, type YAMLMap } from 'yaml';
import { findSimilarName } from './find-similar-name.js';
import type { RawSetting } from './raw-setting.js';
import { SETTING_KEYS, type SettingKey } from './settings.js';

/** The settings of a file. */
export interface FileSettings {
  /** The settings; a key without a value counts as not set. */
  readonly settings: ReadonlyMap<SettingKey, RawSetting>;
  /** The problems of the file, each with its line. */
  readonly problems: readonly string[];
}

/** Keys that contain other keys. */
const GROUPS = [...new Set(SETTING_KEYS.filter((key) => key.includes('.')).map((key) => key.split('.', 1)[0] ?? ''))];

/** Messages of the parser that quote the file, which may contain a password. */
const QUOTING_ERRORS = new Set([
  'BAD_ALIAS',
  'TAG_RESOLVE_FAILED',
  'BAD_DQ_ESCAPE',
  'UNEXPECTED_TOKEN',
  'BAD_SCALAR_START',
]);

/**
 * Reads a configuration file of dtm.
 *
 * @param yaml - text of the file
 * @param file - name of the file, for messages
 */
export function readYaml(yaml: string, file: string): FileSettings {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { prettyErrors: false, lineCounter: lines });
  const at = (position: number): string => `${file}:${lines.linePos(position).line}`;
  // later errors are mostly consequences of the first
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    const what = QUOTING_ERRORS.has(error.code) ? error.code.toLowerCase().replaceAll('_', ' ') : error.message;
    return { settings: new Map(), problems: [`${at(error.pos[0])}: not valid YAML: ${what}`] };
  }
  const reader = new MapReader(document, at);
  const { contents } = document;
  if (isMap(contents)) reader.readMap(contents, '');
  else if (!isEmpty(contents)) reader.problems.push(`${file}: must be a map of settings, such as "HttpPort: 36789"`);
  return reader;
}

class MapReader implements FileSettings {
  readonly settings = new Map<SettingKey, RawSetting>();
  readonly problems: string[] = [];
  readonly #document: Document;
  readonly #at: (position: number) => string;

  constructor(document: Document, at: (position: number) => string) {
    this.#document = document;
    this.#at = at;
  }

  readMap(map: YAMLMap, prefix: string): void {
    for (const pair of map.items) {
      const name = pair.key as Node;
      const source = this.#at(name.range?.[0] ?? 0);
      const key = prefix + (isScalar(name) ? String(name.value) : '?');
      if (!isAlias(pair.value)) this.#readPair(key, pair.value, source);
      else {
        const value = pair.value.resolve(this.#document);
        if (value) this.#readPair(key, value, source);
        else this.problems.push(`${printableKey(key)}: the anchor of its alias does not exist (${source})`);
      }
    }
  }

  #readPair(key: string, value: unknown, source: string): void {
    const isGroup = GROUPS.includes(key);
    if (!isGroup && !(SETTING_KEYS as readonly string[]).includes(key)) {
      this.problems.push(`${printableKey(key)}: is not a setting${suggestion(key)} (${source})`);
    } else if (isEmpty(value)) {
      return;
    } else if (isGroup && isMap(value)) {
      this.readMap(value, `${key}.`);
    } else if (isGroup) {
      const keys = SETTING_KEYS.filter((known) => known.startsWith(`${key}.`));
      this.problems.push(`${key}: must be a map with the keys ${keys.join(', ')} (${source})`);
    } else if (isScalar(value)) {
      this.settings.set(key as SettingKey, { text: textOf(value), source });
    } else {
      this.problems.push(
        `${key}: must be a string or a number, not a map or a list; put a string in quotes (${source})`,
      );
    }
  }
}

/** A text as it is, and another value as it was written, so that `+8` and `007` keep their form. */
function textOf({ value, source }: { readonly value: unknown; readonly source?: string }): string {
  return typeof value === 'string' ? value : (source ?? String(value));
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (isScalar(value) && (value.value === null || value.value === ''));
}

function suggestion(key: string): string {
  const similar = findSimilarName(key, [...SETTING_KEYS, ...GROUPS]);
  return similar ? `; did you mean ${similar}?` : `; run nestjs-dtm serve --help for the settings`;
}

/** The key up to the first character that no key has: what follows may be a value, and may be a password. */
function printableKey(key: string): string {
  const start = /^[\w.<]{0,60}/.exec(key)?.[0] ?? '';
  return start === key ? key : `${start}…`;
}
