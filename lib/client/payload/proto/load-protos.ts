import { DtmConfigError, errorText } from '../../../protocol/internal.js';
import { requirePackage } from '../../../support/load-package.js';

/** Result of `@grpc/proto-loader`: services and messages by their full names. */
export type PackageDefinition = Readonly<Record<string, object>>;

/** The .proto files of your branches, and how they are read. */
export interface ProtoFilesOptions {
  /** The files, relative to {@link includeDirs}, or to the working directory. */
  readonly protoPath: string | readonly string[];
  /** Folders that are searched for the files and their imports. @default none */
  readonly includeDirs?: readonly string[] | undefined;
  /**
   * Options of `@grpc/proto-loader`.
   *
   * @default `{ longs: String, enums: String, defaults: true, oneofs: true }`; field names in camel case
   */
  readonly loader?: Readonly<Record<string, unknown>> | undefined;
}

interface ProtoLoader {
  loadSync(files: string | string[], options: object): PackageDefinition;
}

const DEFAULTS = { longs: String, enums: String, defaults: true, oneofs: true };

/**
 * Loads .proto files.
 *
 * @param options - see {@link ProtoFilesOptions}
 * @param caller - what needs the files, for errors
 * @throws DtmConfigError when a file is missing or malformed, or `@grpc/proto-loader` is not installed
 */
export function loadProtos(
  { protoPath, includeDirs, loader }: ProtoFilesOptions,
  caller: string = 'protoPayloads',
): PackageDefinition {
  const files = typeof protoPath === 'string' ? protoPath : [...protoPath];
  // at once, so that a missing package is reported at start
  const { loadSync } = requirePackage<ProtoLoader>('@grpc/proto-loader', caller);
  try {
    return loadSync(files, { ...DEFAULTS, ...(includeDirs && { includeDirs: [...includeDirs] }), ...loader });
  } catch (cause) {
    throw new DtmConfigError(`protoPath ${JSON.stringify(protoPath)} cannot be loaded: ${errorText(cause)}`, { cause });
  }
}
