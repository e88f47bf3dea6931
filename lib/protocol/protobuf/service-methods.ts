import { messageCodec } from './message-codec.js';
import type { ProtoFile } from './proto-file.js';
import { findService, fullTypeName } from './proto-names.js';

/** A method of a service, in the form that gRPC takes. */
export interface ServiceMethod {
  /** Full method, `/pkg.Service/Method`. */
  readonly path: string;
  /** The client sends many messages. */
  readonly requestStream: boolean;
  /** The server answers many messages. */
  readonly responseStream: boolean;
  /** Writes a request. */
  readonly requestSerialize: (message: object) => Buffer;
  /** Reads a request. Throws DtmArgumentError when it is none. */
  readonly requestDeserialize: (bytes: Buffer) => object;
  /** Writes an answer. */
  readonly responseSerialize: (message: object) => Buffer;
  /** Reads an answer. Throws DtmArgumentError when it is none. */
  readonly responseDeserialize: (bytes: Buffer) => object;
}

/**
 * The methods of a service.
 *
 * @param name - of the service, with its package in front
 * @param files - those that hold it and its messages
 * @throws DtmArgumentError when they do not
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
        requestDeserialize: request.decode,
        responseSerialize: response.encode,
        responseDeserialize: response.decode,
      },
    ] as const;
  });
  return Object.fromEntries(methods);
}
