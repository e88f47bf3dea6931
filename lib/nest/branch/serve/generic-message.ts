import { Injectable } from '@nestjs/common';
import {
  DtmArgumentError,
  decodeGenericPayload,
  encodeGenericPayload,
  encodeJson,
  errorText,
} from '../../../protocol/internal.js';
import { shareClass } from '../../../support/share-class.js';

/** An undecoded message of a service of the package `nestjsdtm`. The guard decodes it, so that an error has an answer. */
@shareClass('GenericMessage', Injectable)
export class GenericMessage {
  constructor(private readonly bytes: Uint8Array) {}

  /**
   * Decodes the message.
   *
   * @returns undefined for an empty message
   * @throws DtmArgumentError when the bytes are not a `nestjsdtm.Payload` with JSON
   */
  value(): unknown {
    const json = decodeGenericPayload(this.bytes);
    if (json === '') return undefined;
    try {
      return JSON.parse(json) as unknown;
    } catch (cause) {
      throw new DtmArgumentError(`the payload is not valid JSON: ${errorText(cause)}`, { cause });
    }
  }
}

/** Definition of a method of such a service, in the form of `@grpc/grpc-js`. */
export function genericMethod(service: string, method: string) {
  return {
    path: `/${service}/${method}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

function serialize(value: unknown): Buffer {
  return encodeGenericPayload(encodeJson(value));
}

function deserialize(bytes: Buffer): GenericMessage {
  return new GenericMessage(bytes);
}
