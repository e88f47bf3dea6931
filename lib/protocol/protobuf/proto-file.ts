/**
 * A .proto file as data, in the form that protobufjs reads; what is written here goes over the wire, and is shown by
 * server reflection.
 */
export interface ProtoFile {
  /** Path of the file. */
  readonly name: string;
  /** Its package. */
  readonly package: string;
  /** Files whose types it uses. @default none */
  readonly imports?: readonly string[] | undefined;
  /** Messages by name. */
  readonly messages: Readonly<Record<string, ProtoMessage>>;
  /** Services by name. @default none */
  readonly services?: Readonly<Record<string, ProtoService>> | undefined;
}

/** A message. */
export interface ProtoMessage {
  /** Fields by name. */
  readonly fields: Readonly<Record<string, ProtoField>>;
  /** Names of the fields of which one at most is set, by the name of the group. @default none */
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>> | undefined;
  /** Enums that belong to it. @default none */
  readonly nested?: Readonly<Record<string, ProtoEnum>> | undefined;
  /** Numbers (from, to) and names that must not be used again. @default none */
  readonly reserved?: readonly (string | readonly [number, number])[] | undefined;
}

/** Names of an enum with their numbers. */
export interface ProtoEnum {
  readonly values: Readonly<Record<string, number>>;
}

/** A field. */
export interface ProtoField {
  /** Scalar type, or the name of a message or enum: of this package, or with its package in front. */
  readonly type: string;
  /** Field number. */
  readonly id: number;
  /** It holds a list. @default one value */
  readonly rule?: 'repeated' | undefined;
  /** It is a map with such keys. @default no map */
  readonly keyType?: 'string' | undefined;
  /** Name in JSON. @default its name in camel case */
  readonly jsonName?: string | undefined;
}

/** A service. */
export interface ProtoService {
  /** Methods by name. */
  readonly methods: Readonly<Record<string, ProtoMethod>>;
}

/** A method. */
export interface ProtoMethod {
  /** Message that is sent. */
  readonly requestType: string;
  /** Message that is answered. */
  readonly responseType: string;
  /** The client sends many. @default false */
  readonly requestStream?: boolean | undefined;
  /** The server answers many. @default false */
  readonly responseStream?: boolean | undefined;
}

/** `google.protobuf.Empty`. */
export const EMPTY_PROTO: ProtoFile = {
  name: 'google/protobuf/empty.proto',
  package: 'google.protobuf',
  messages: { Empty: { fields: {} } },
};
