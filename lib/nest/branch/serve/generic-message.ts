import {
  DtmArgumentError,
  decodeGenericPayload,
  encodeGenericPayload,
  encodeJson,
  errorText,
} from '../../../protocol/internal.js';

/** A message of a service of the package `nestjsdtm`, not looked into yet: what is wrong with it is for the guard to say. */
export class GenericMessage {
  constructor(private readonly bytes: Uint8Array) {}

  /**
   * What it holds.
   *
   * @returns undefined when it holds nothing
   * @throws DtmArgumentError when it is no `nestjsdtm.Payload` with JSON
   */
  value(): unknown {
    const json = decodeGenericPayload(this.bytes);
    if (json === '') return undefined;
    try {
      return JSON.parse(json) as unknown;
    } catch (cause) {
      const reason = errorText(cause);
      throw new DtmArgumentError(`the payload is no JSON: ${reason}`, { cause });
    }
  }
}

/**
 * A method of such a service, in the form that gRPC takes.
 *
 * @param service - full name of the service
 * @param method - name of the method
 */
export function genericMethod(service: string, method: string) {
  return {
    path: `/${service}/${method}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: write,
    requestDeserialize: read,
    responseSerialize: write,
    responseDeserialize: read,
  };
}

function write(value: unknown): Buffer {
  return encodeGenericPayload(encodeJson(value));
}

function read(bytes: Buffer): GenericMessage {
  return new GenericMessage(bytes);
}
