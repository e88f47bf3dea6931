import { messageCodec } from './message-codec.js';
import type { ProtoFile } from './proto-file.js';
import { findService, fullTypeName } from './proto-names.js';

/** A method of a service, in the form that the gRPC library takes. */
export interface ServiceMethod {
  /** Full method, `/pkg.Service/Method`. */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: object) => Buffer;
  /** Throws DtmArgumentError when the bytes are not a request. */
  readonly requestDeserialize: (bytes: Buffer) => object;
  readonly responseSerialize: (message: object) => Buffer;
  /** Throws DtmArgumentError when the bytes are not a response. */
  readonly responseDeserialize: (bytes: Buffer) => object;
}

/** Reading more would hold up all other requests. */
const MAX_REQUEST_FIELDS = 150_000;

/** A key that differs takes more than a microsecond; JSON has the same limit. */
const MAX_REQUEST_KEYS = 10_000;

/**
 * The methods of a service by their names.
 *
 * @param name - full name of the service
 * @param files - files with the service and its messages
 * @throws DtmArgumentError when the files do not have them
 */
export function serviceMethods(name: string, files: readonly ProtoFile[]): Readonly<Record<string, ServiceMethod>> {
  const { file, service } = findService(name, files);
  const methods = Object.entries(service.methods).map(([method, { requestType, responseType, ...streams }]) => {
    const request = messageCodec(fullTypeName(file.package, requestType), files);
    const response = messageCodec(fullTypeName(file.package, responseType), files);
    return [
      method,
      {
        path: `/${name}/${method}`,
        requestStream: streams.requestStream ?? false,
        responseStream: streams.responseStream ?? false,
        requestSerialize: request.encode,
        requestDeserialize: (bytes: Buffer) => request.decode(bytes, MAX_REQUEST_FIELDS, MAX_REQUEST_KEYS),
        responseSerialize: response.encode,
        responseDeserialize: (bytes: Buffer) => response.decode(bytes),
      },
    ] as const;
  });
  return Object.fromEntries(methods);
}
