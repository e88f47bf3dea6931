import { createRequire } from 'node:module';
import { DtmConfigError, errorText } from '../../../protocol/internal.js';

/** What `@grpc/proto-loader` loads: services and messages by their full names. */
export type PackageDefinition = Readonly<Record<string, object>>;

/** Which .proto files there are, and how they are read. */
export interface ProtoFilesOptions {
  /** The files, relative to {@link includeDirs}, or to the working directory. */
  readonly protoPath: string | readonly string[];
  /** Folders in which files and what they import are looked for. @default none */
  readonly includeDirs?: readonly string[] | undefined;
  /**
   * Options of `@grpc/proto-loader`.
   *
   * @default `{ longs: String, enums: String, defaults: true, oneofs: true }`; names of fields in camel case
   */
  readonly loader?: Readonly<Record<string, unknown>> | undefined;
}

interface ProtoLoader {
  loadSync(files: string | string[], options: object): PackageDefinition;
}

const LOADER = '@grpc/proto-loader';

const DEFAULTS = { longs: String, enums: String, defaults: true, oneofs: true };

/**
 * Loads .proto files.
 *
 * @param options - see {@link ProtoFilesOptions}
 * @throws DtmConfigError when a file is missing or malformed, or `@grpc/proto-loader` is not installed
 */
export function loadProtos({ protoPath, includeDirs, loader }: ProtoFilesOptions): PackageDefinition {
  const files = typeof protoPath === 'string' ? protoPath : [...protoPath];
  const { loadSync } = protoLoader();
  try {
    return loadSync(files, { ...DEFAULTS, ...(includeDirs && { includeDirs: [...includeDirs] }), ...loader });
  } catch (cause) {
    const reason = errorText(cause);
    throw new DtmConfigError(`protoPath ${JSON.stringify(protoPath)} cannot be loaded: ${reason}`, { cause });
  }
}

/** Needed by those only who use it, and at once: what is wrong should be known at start. */
function protoLoader(): ProtoLoader {
  try {
    return createRequire(import.meta.url)(LOADER) as ProtoLoader;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new DtmConfigError(`protoPayloads needs the package ${LOADER}; run: npm install ${LOADER}`, { cause });
  }
}
