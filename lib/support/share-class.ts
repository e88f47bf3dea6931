import { processWide } from './process-wide.js';

type Class = abstract new (...args: never[]) => object;

/** Classes by name, for each instance of the library that they build on. */
const classes = processWide('classes', () => new WeakMap<object, Map<string, Class>>());

/**
 * Class decorator that makes all loaded copies of the package use the class of the first copy: Nest then injects a provider by
 * the class of any copy, and `instanceof` holds. It must be above all other decorators.
 *
 * @param name - name of the class
 * @param library - an object of the library that the class builds on; a second instance of that library, e.g. after
 *   `jest.resetModules()`, has classes of its own
 */
export function shareClass(name: string, library: object): <T extends Class>(type: T) => T {
  return <T extends Class>(type: T): T => {
    const shared = classes.get(library) ?? new Map<string, Class>();
    classes.set(library, shared);
    if (!shared.has(name)) shared.set(name, type);
    return shared.get(name) as T;
  };
}
