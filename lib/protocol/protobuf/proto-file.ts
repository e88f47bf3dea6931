/** A .proto file as data, in the form that protobufjs reads. Server reflection shows it. */
export interface ProtoFile {
  /** Path of the file. */
  readonly name: string;
  /** Its package. */
  readonly package: string;
  /** Paths of the files that it imports. @default none */
  readonly imports?: readonly string[] | undefined;
  /** Messages by name. */
  readonly messages: Readonly<Record<string, ProtoMessage>>;
  /** Services by name. @default none */
  readonly services?: Readonly<Record<string, ProtoService>> | undefined;
}

export interface ProtoMessage {
  /** Fields by name. */
  readonly fields: Readonly<Record<string, ProtoField>>;
  /** By the name of a oneof: the names of its fields, of which at most one is set. @default none */
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>> | undefined;
  /** Enums declared in the message. @default none */
  readonly nested?: Readonly<Record<string, ProtoEnum>> | undefined;
  /** Reserved numbers (from, to) and names. @default none */
  readonly reserved?: readonly (string | readonly [number, number])[] | undefined;
}

/** An enum: numbers by the names of its values. */
export interface ProtoEnum {
  readonly values: Readonly<Record<string, number>>;
}

export interface ProtoField {
  /** Scalar type, or the name of a message or enum; a name of another package is a full name. */
  readonly type: string;
  /** Field number. */
  readonly id: number;
  /** The field holds a list. @default one value */
  readonly rule?: 'repeated' | undefined;
  /** The field is a map with keys of this type. @default no map */
  readonly keyType?: 'string' | undefined;
  /** Name in JSON. @default the name in camel case */
  readonly jsonName?: string | undefined;
}

export interface ProtoService {
  /** Methods by name. */
  readonly methods: Readonly<Record<string, ProtoMethod>>;
}

export interface ProtoMethod {
  /** Message of the request. */
  readonly requestType: string;
  /** Message of the response. */
  readonly responseType: string;
  /** The client sends a stream. @default false */
  readonly requestStream?: boolean | undefined;
  /** The server answers a stream. @default false */
  readonly responseStream?: boolean | undefined;
}

/** `google.protobuf.Empty`. */
export const EMPTY_PROTO: ProtoFile = {
  name: 'google/protobuf/empty.proto',
  package: 'google.protobuf',
  messages: { Empty: { fields: {} } },
};
