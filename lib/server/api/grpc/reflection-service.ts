import type { ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { GRPC_STATUS, type ProtoFile } from '../../../protocol/internal.js';
import { encodeFileDescriptor } from './file-descriptor.js';

/** A reflection request; `message_request` names the field that is set. */
interface ReflectionRequest {
  readonly host: string;
  readonly message_request?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
}

/** Contains `host` and the request. */
type ReflectionAnswer = Readonly<Record<string, unknown>>;

/** The two versions of the reflection service, which differ only in their package; clients try both. */
export const REFLECTION_PROTOS: readonly ProtoFile[] = ['v1', 'v1alpha'].map((version) => ({
  name: `grpc/reflection/${version}/reflection.proto`,
  package: `grpc.reflection.${version}`,
  services: {
    ServerReflection: {
      methods: {
        ServerReflectionInfo: {
          requestType: 'ServerReflectionRequest',
          responseType: 'ServerReflectionResponse',
          requestStream: true,
          responseStream: true,
        },
      },
    },
  },
  messages: {
    ServerReflectionRequest: {
      fields: {
        host: { type: 'string', id: 1 },
        file_by_filename: { type: 'string', id: 3 },
        file_containing_symbol: { type: 'string', id: 4 },
        file_containing_extension: { type: 'ExtensionRequest', id: 5 },
        all_extension_numbers_of_type: { type: 'string', id: 6 },
        list_services: { type: 'string', id: 7 },
      },
      oneofs: {
        message_request: {
          oneof: [
            'file_by_filename',
            'file_containing_symbol',
            'file_containing_extension',
            'all_extension_numbers_of_type',
            'list_services',
          ],
        },
      },
    },
    ExtensionRequest: {
      fields: { containing_type: { type: 'string', id: 1 }, extension_number: { type: 'int32', id: 2 } },
    },
    ServerReflectionResponse: {
      fields: {
        valid_host: { type: 'string', id: 1 },
        original_request: { type: 'ServerReflectionRequest', id: 2 },
        file_descriptor_response: { type: 'FileDescriptorResponse', id: 4 },
        all_extension_numbers_response: { type: 'ExtensionNumberResponse', id: 5 },
        list_services_response: { type: 'ListServiceResponse', id: 6 },
        error_response: { type: 'ErrorResponse', id: 7 },
      },
      oneofs: {
        message_response: {
          oneof: [
            'file_descriptor_response',
            'all_extension_numbers_response',
            'list_services_response',
            'error_response',
          ],
        },
      },
    },
    FileDescriptorResponse: { fields: { file_descriptor_proto: { rule: 'repeated', type: 'bytes', id: 1 } } },
    ExtensionNumberResponse: {
      fields: {
        base_type_name: { type: 'string', id: 1 },
        extension_number: { rule: 'repeated', type: 'int32', id: 2 },
      },
    },
    ListServiceResponse: { fields: { service: { rule: 'repeated', type: 'ServiceResponse', id: 1 } } },
    ServiceResponse: { fields: { name: { type: 'string', id: 1 } } },
    ErrorResponse: { fields: { error_code: { type: 'int32', id: 1 }, error_message: { type: 'string', id: 2 } } },
  },
}));

/**
 * Server reflection: describes services and messages to clients such as grpcurl.
 *
 * @param files - .proto files of the server and the files that they import
 * @param onStream - receives each stream; the server ends it when it closes
 */
export function reflectionService(
  files: readonly ProtoFile[],
  onStream: (stream: { end(): unknown; once(event: 'close', listener: () => void): unknown }) => void,
): UntypedServiceImplementation {
  const reflection = new Reflection(files);
  return {
    ServerReflectionInfo(stream: ServerDuplexStream<ReflectionRequest, ReflectionAnswer>): void {
      onStream(stream);
      stream.on('data', (request: ReflectionRequest) => {
        // back pressure: a client that does not read answers must wait
        if (stream.write(reflection.answer(request))) return;
        stream.pause();
        stream.once('drain', () => stream.resume());
      });
      stream.on('end', () => stream.end());
    },
  };
}

class Reflection {
  readonly #services: { readonly name: string }[] = [];
  readonly #byName = new Map<string, readonly Buffer[]>();
  readonly #bySymbol = new Map<string, readonly Buffer[]>();

  constructor(files: readonly ProtoFile[]) {
    const descriptors = new Map(files.map((file) => [file.name, encodeFileDescriptor(file)]));
    for (const file of files) {
      // with its imports, which saves clients a request
      const needed = [file.name, ...(file.imports ?? [])].map((name) => descriptors.get(name)!);
      this.#byName.set(file.name, needed);
      for (const symbol of symbolsOf(file)) this.#bySymbol.set(symbol, needed);
      for (const service of Object.keys(file.services ?? {})) {
        this.#services.push({ name: `${file.package}.${service}` });
      }
    }
  }

  answer(request: ReflectionRequest): ReflectionAnswer {
    const head = { valid_host: request.host, original_request: request };
    switch (request.message_request) {
      case 'list_services':
        return { ...head, list_services_response: { service: this.#services } };
      case 'file_by_filename':
        return { ...head, ...descriptorAnswer(this.#byName, request.file_by_filename!) };
      case 'file_containing_symbol':
        return { ...head, ...descriptorAnswer(this.#bySymbol, request.file_containing_symbol!) };
      case 'file_containing_extension':
      case 'all_extension_numbers_of_type':
        return { ...head, error_response: { error_code: GRPC_STATUS.NOT_FOUND, error_message: 'no extensions' } };
      default:
        return {
          ...head,
          error_response: { error_code: GRPC_STATUS.INVALID_ARGUMENT, error_message: 'the request is empty' },
        };
    }
  }
}

function descriptorAnswer(files: ReadonlyMap<string, readonly Buffer[]>, name: string): ReflectionAnswer {
  const descriptors = files.get(name);
  if (descriptors) return { file_descriptor_response: { file_descriptor_proto: descriptors } };
  return { error_response: { error_code: GRPC_STATUS.NOT_FOUND, error_message: `${name} not found` } };
}

function symbolsOf(file: ProtoFile): string[] {
  const services = Object.entries(file.services ?? {}).flatMap(([service, { methods }]) => [
    service,
    ...Object.keys(methods).map((method) => `${service}.${method}`),
  ]);
  const messages = Object.entries(file.messages).flatMap(([message, { fields, nested = {} }]) => [
    message,
    ...[...Object.keys(fields), ...Object.keys(nested)].map((name) => `${message}.${name}`),
  ]);
  return [...services, ...messages].map((name) => `${file.package}.${name}`);
}
