import {
  DtmArgumentError,
  DtmBranchError,
  DtmConfigError,
  errorText,
  isGenericMethod,
  isHttpUrl,
  payloadBytes,
  type Payload,
} from '../../../protocol/internal.js';
import { messageBytes } from '../message-bytes.js';
import { jsonPayloads, type PayloadCodec } from '../payload-codec.js';
import { loadProtos, type PackageDefinition, type ProtoFilesOptions } from './load-protos.js';
import { parseMessage } from './parse-message.js';
import { ProtoTypes, type MethodTypes } from './proto-types.js';

/** A method of a service, as `@grpc/proto-loader` defines it. */
interface LoadedMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: object) => Uint8Array;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

/** A message or enum, as `@grpc/proto-loader` defines it. */
interface LoadedType {
  readonly fileDescriptorProtos: readonly Uint8Array[];
}

/** A method with its types. */
type Method = LoadedMethod & MethodTypes;

/** Answer of a branch without a result. */
const EMPTY = 'google.protobuf.Empty';

/**
 * Encodes payloads of gRPC branches with their .proto files. The method in the URL of the branch determines the message.
 * Plain objects are checked and encoded; bytes are sent unchanged; message objects encode themselves. Answers are decoded.
 * Branches over HTTP receive JSON.
 *
 * @param protos - files to load, or the result of `@grpc/proto-loader`
 * @throws DtmConfigError when a file cannot be loaded, or the files have no service
 *
 * @example
 * const payloads = protoPayloads({ protoPath: 'bank.proto', includeDirs: ['protos'] });
 * await new Saga({ api, payloads }).add({ action: 'bank:50051/bank.Bank/TransOut' }, { userId: 1, amount: 30 }).submit();
 */
export function protoPayloads(protos: ProtoFilesOptions | PackageDefinition): PayloadCodec {
  const methods = methodsIn(isLoaded(protos) ? protos : loadProtos(protos));
  const { types } = methods;
  return {
    encode(url, payload) {
      if (hasJsonPayload(url)) return jsonPayloads.encode(url, payload);
      const method = methods.find(url);
      if (payload === undefined) return '';
      const bytes = messageBytes(payload);
      if (bytes) return bytes;
      if (!method) throw methods.unknown(url);
      return method.requestSerialize(parseMessage(types, types.message(method.input)!, payload));
    },
    decode(url, body) {
      const method = typeof body === 'string' || hasJsonPayload(url) ? undefined : methods.find(url);
      if (!method) return jsonPayloads.decode(url, body);
      return method.output === EMPTY ? undefined : decodeAnswer(method, url, body);
    },
  };
}

/** Branches over HTTP, topics, which have no URL, and gRPC branches without a .proto file. */
function hasJsonPayload(url: string): boolean {
  return url === '' || isHttpUrl(url) || isGenericMethod(url);
}

function isLoaded(protos: ProtoFilesOptions | PackageDefinition): protos is PackageDefinition {
  return !('protoPath' in protos && (typeof protos.protoPath === 'string' || Array.isArray(protos.protoPath)));
}

interface Methods {
  readonly types: ProtoTypes;
  /** Undefined for an unknown service; throws when a known service lacks the method, or the method is a stream. */
  find(url: string): Method | undefined;
  /** The error for a payload of an unknown service. */
  unknown(url: string): DtmArgumentError;
}

function methodsIn(definition: PackageDefinition): Methods {
  const entries = Object.entries(definition);
  const files = entries.flatMap(([, entry]) =>
    'fileDescriptorProtos' in entry ? (entry as LoadedType).fileDescriptorProtos : [],
  );
  const services = new Map(
    entries
      .filter(([, entry]) => !('fileDescriptorProtos' in entry))
      .map(([name, entry]) => [name, Object.entries(entry) as [string, LoadedMethod][]]),
  );
  if (services.size === 0)
    throw new DtmConfigError('the .proto files have no service; pass the files of your branches');
  const types = new ProtoTypes(new Set(files));
  const methods = new Map(
    [...services.values()].flat().map(([, method]) => [method.path, { ...method, ...types.method(method.path)! }]),
  );
  const known = [...services.keys()].join(', ');
  return {
    types,
    find(url) {
      const [service = '', name = ''] = url
        .replace(/\?[^/]*$/, '')
        .split('/')
        .slice(-2);
      const method = methods.get(`/${service}/${name}`);
      if (method?.requestStream || method?.responseStream) {
        throw new DtmArgumentError(`${url}: ${service}/${name} is a stream; a branch is called with one message`);
      }
      const own = services.get(service);
      if (method || !own) return method;
      const others = own.map(([one]) => one).join(', ');
      throw new DtmArgumentError(
        `${url}: the service ${service} has no method ${JSON.stringify(name)}; it has ${others}`,
      );
    },
    unknown: (url) =>
      new DtmArgumentError(
        `the payload for ${url} cannot be encoded: the .proto files have only the services ${known}; ` +
          'add the file of this service to protoPayloads, or encode the message yourself',
      ),
  };
}

function decodeAnswer(method: Method, url: string, body: Payload): object {
  try {
    return method.responseDeserialize(Buffer.from(payloadBytes(body)));
  } catch (cause) {
    throw new DtmBranchError(`${url} answered a message that is not a ${method.output}: ${errorText(cause)}`, {
      cause,
    });
  }
}
