import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { EMPTY_PROTO, type ProtoFile } from '../../lib/protocol/internal.js';

/** Service definition, with its messages, for gRPC clients and servers. */
export function definitionOf(file: ProtoFile, service: string): ServiceDefinition {
  const root: Record<string, { nested: Record<string, object> }> = {};
  for (const { package: name, messages, services } of [EMPTY_PROTO, file]) {
    let nested: Record<string, object> = root;
    for (const part of name.split('.')) {
      nested[part] ??= { nested: {} };
      ({ nested } = nested[part] as { nested: Record<string, object> });
    }
    Object.assign(nested, structuredClone({ ...messages, ...services }));
  }
  const options = { longs: Number, enums: String, defaults: true, oneofs: true };
  return fromJSON({ nested: root }, options)[`${file.package}.${service}`] as ServiceDefinition;
}
