import { messageCodec, type MessageCodec, type ProtoField, type ProtoFile } from '../../../../protocol/internal.js';

/** A scalar in a wrapper message, which distinguishes a zero from an absent value. */
export interface Wrapped<Value> {
  readonly value: Value;
}

/** The fields of `v1.Instance` that are used here. */
export interface InstanceMessage {
  readonly id?: Wrapped<string> | null | undefined;
  readonly service?: Wrapped<string> | null | undefined;
  readonly namespace?: Wrapped<string> | null | undefined;
  readonly host?: Wrapped<string> | null | undefined;
  readonly port?: Wrapped<number> | null | undefined;
  readonly weight?: Wrapped<number> | null | undefined;
  readonly health_check?: { readonly type: number; readonly heartbeat: { readonly ttl: Wrapped<number> } } | undefined;
  readonly healthy?: Wrapped<boolean> | null | undefined;
  readonly isolate?: Wrapped<boolean> | null | undefined;
  readonly location?: Readonly<Record<'region' | 'zone' | 'campus', Wrapped<string>>> | undefined;
  readonly service_token?: Wrapped<string> | null | undefined;
}

/** The fields of `v1.Service` that are used here. */
export interface ServiceMessage {
  readonly name?: Wrapped<string> | null | undefined;
  readonly namespace?: Wrapped<string> | null | undefined;
  readonly revision?: Wrapped<string> | null | undefined;
}

/** The fields that `v1.Response` and `v1.DiscoverResponse` share. */
export interface AnswerMessage {
  readonly code: Wrapped<number> | null;
  readonly info: Wrapped<string> | null;
}

/** The fields of `v1.DiscoverResponse` that are used here. */
export interface DiscoverMessage extends AnswerMessage {
  readonly service: ServiceMessage | null;
  readonly instances: readonly InstanceMessage[];
}

/** `health_check.type`: the instance sends heartbeats. */
export const HEARTBEAT = 1;

/** `DiscoverRequest.type`: the instances of a service. */
export const INSTANCES = 1;

const GOOGLE: ProtoFile = {
  name: 'google/protobuf/wrappers.proto',
  package: 'google.protobuf',
  messages: {
    StringValue: { fields: { value: { type: 'string', id: 1 } } },
    UInt32Value: { fields: { value: { type: 'int64', id: 1 } } },
    BoolValue: { fields: { value: { type: 'bool', id: 1 } } },
  },
};

const text = (id: number): ProtoField => ({ type: 'google.protobuf.StringValue', id });
const number = (id: number): ProtoField => ({ type: 'google.protobuf.UInt32Value', id });
const truth = (id: number): ProtoField => ({ type: 'google.protobuf.BoolValue', id });

/** The part of Polaris' own files that is used here; enums are numbers. */
const POLARIS: ProtoFile = {
  name: 'grpcapi.proto',
  package: 'v1',
  messages: {
    HeartbeatHealthCheck: { fields: { ttl: number(1) } },
    HealthCheck: { fields: { type: { type: 'int32', id: 1 }, heartbeat: { type: 'HeartbeatHealthCheck', id: 2 } } },
    Instance: {
      fields: {
        id: text(1),
        service: text(2),
        namespace: text(3),
        host: text(4),
        port: number(5),
        weight: number(9),
        health_check: { type: 'HealthCheck', id: 10 },
        healthy: truth(11),
        isolate: truth(12),
        location: { type: 'Location', id: 13 },
        service_token: text(19),
      },
    },
    Location: { fields: { region: text(1), zone: text(2), campus: text(3) } },
    Service: { fields: { name: text(1), namespace: text(2), revision: text(15) } },
    DiscoverRequest: { fields: { type: { type: 'int32', id: 1 }, service: { type: 'Service', id: 2 } } },
    DiscoverResponse: {
      fields: {
        code: number(1),
        info: text(2),
        service: { type: 'Service', id: 4 },
        instances: { type: 'Instance', id: 5, rule: 'repeated' },
      },
    },
    Response: { fields: { code: number(1), info: text(2) } },
  },
};

const codec = (message: string): MessageCodec => messageCodec(`v1.${message}`, [POLARIS, GOOGLE]);

/** Codecs of the messages of `v1.PolarisGRPC`. */
export const POLARIS_CODECS = {
  instance: codec('Instance'),
  answer: codec('Response'),
  discover: codec('DiscoverRequest'),
  discovered: codec('DiscoverResponse'),
};
