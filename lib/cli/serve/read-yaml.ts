import { LineCounter, isAlias, isMap, isScalar, parseDocument, type Document, type Node, type YAMLMap } from 'yaml';
import type { Given } from './given.js';
import { nearest } from './nearest.js';
import { SETTING_KEYS, type SettingKey } from './settings.js';

/** What a file says. */
export interface FileSettings {
  /** The settings that it gives; a key without a value gives none. */
  readonly given: ReadonlyMap<SettingKey, Given>;
  /** What is wrong with it, each with its line. */
  readonly problems: readonly string[];
}

/** Keys that hold other keys. */
const GROUPS = [...new Set(SETTING_KEYS.filter((key) => key.includes('.')).map((key) => key.split('.', 1)[0] ?? ''))];

/** Parser messages that repeat what stands in the file, where it may be a password. */
const TELLTALE = new Set(['BAD_ALIAS', 'TAG_RESOLVE_FAILED', 'BAD_DQ_ESCAPE', 'UNEXPECTED_TOKEN', 'BAD_SCALAR_START']);

/**
 * Reads a configuration file of dtm.
 *
 * @param yaml - its text
 * @param file - its name, for messages
 */
export function readYaml(yaml: string, file: string): FileSettings {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { prettyErrors: false, lineCounter: lines });
  const at = (position: number): string => `${file}:${lines.linePos(position).line}`;
  // those behind the first are mostly its consequences
  const [fault] = [...document.errors, ...document.warnings];
  if (fault) {
    const what = TELLTALE.has(fault.code) ? fault.code.toLowerCase().replaceAll('_', ' ') : fault.message;
    return { given: new Map(), problems: [`${at(fault.pos[0])}: not valid YAML: ${what}`] };
  }
  const reader = new MapReader(document, at);
  const content = document.contents;
  if (isMap(content)) reader.readMap(content, '');
  else if (!isNothing(content)) reader.problems.push(`${file}: must be a map of settings, such as "HttpPort: 36789"`);
  return reader;
}

class MapReader implements FileSettings {
  readonly given = new Map<SettingKey, Given>();
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
        else this.problems.push(`${shown(key)}: its value is an alias of an anchor that does not exist (${source})`);
      }
    }
  }

  #readPair(key: string, value: unknown, source: string): void {
    const isGroup = GROUPS.includes(key);
    if (!isGroup && !(SETTING_KEYS as readonly string[]).includes(key)) {
      this.problems.push(`${shown(key)}: there is no such setting${suggestion(key)} (${source})`);
    } else if (isNothing(value)) {
      return;
    } else if (isGroup && isMap(value)) {
      this.readMap(value, `${key}.`);
    } else if (isGroup) {
      const keys = SETTING_KEYS.filter((known) => known.startsWith(`${key}.`));
      this.problems.push(`${key}: must be a map with the keys ${keys.join(', ')} (${source})`);
    } else if (isScalar(value)) {
      this.given.set(key as SettingKey, { text: textOf(value), source });
    } else {
      this.problems.push(
        `${key}: must be a string or a number, not a map or a list; quote it if it is a string (${source})`,
      );
    }
  }
}

/** A text as it is; anything else as it was written, so that `+8` and `007` stay what they are. */
function textOf({ value, source }: { readonly value: unknown; readonly source?: string }): string {
  return typeof value === 'string' ? value : (source ?? String(value));
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (isScalar(value) && (value.value === null || value.value === ''));
}

function suggestion(key: string): string {
  const meant = nearest(key, [...SETTING_KEYS, ...GROUPS]);
  return meant ? `; did you mean ${meant}?` : `; see nestjs-dtm serve --help`;
}

/** A key up to where something begins that no key has, so that a value that ran into it is not shown. */
function shown(key: string): string {
  const word = /^[\w.<]{0,60}/.exec(key)?.[0] ?? '';
  return word === key ? key : `${word}…`;
}
