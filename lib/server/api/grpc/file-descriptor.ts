import {
  ProtoWriter,
  fullTypeName,
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoMethod,
} from '../../../protocol/internal.js';

/** Type numbers of `FieldDescriptorProto`. */
const SCALARS: Readonly<Record<string, number>> = { int64: 3, int32: 5, bool: 8, string: 9, bytes: 12 };
const MESSAGE = 11;
const ENUM = 14;

const OPTIONAL = 1;
const REPEATED = 3;

/**
 * Encodes a .proto file as the `FileDescriptorProto` that protoc creates. The descriptors of `@grpc/reflection` lack imports
 * and JSON names and name map entries wrongly, so that clients refuse them.
 */
export function encodeFileDescriptor(file: ProtoFile): Buffer {
  const writer = new ProtoWriter().text(1, file.name).text(2, file.package);
  for (const name of file.imports ?? []) writer.text(3, name);
  for (const [name, message] of Object.entries(file.messages)) writer.bytes(4, encodeMessage(file, name, message));
  for (const [name, { methods }] of Object.entries(file.services ?? {})) {
    writer.bytes(6, encodeService(file, name, methods));
  }
  return writer.text(12, 'proto3').finish();
}

function encodeMessage(file: ProtoFile, name: string, message: ProtoMessage): Buffer {
  const writer = new ProtoWriter().text(1, name);
  const oneofs = Object.entries(message.oneofs ?? {});
  for (const [fieldName, field] of Object.entries(message.fields)) {
    const oneof = oneofs.findIndex(([, group]) => group.oneof.includes(fieldName));
    writer.bytes(2, encodeField(fieldName, field, typeOf(file, name, message, fieldName, field), oneof));
    if (field.keyType !== undefined) writer.bytes(3, encodeMapEntry(file, fieldName, field));
  }
  for (const [enumName, { values }] of Object.entries(message.nested ?? {})) {
    writer.bytes(4, encodeEnum(enumName, values));
  }
  for (const [oneof] of oneofs) writer.bytes(8, new ProtoWriter().text(1, oneof).finish());
  for (const reserved of message.reserved ?? []) {
    if (typeof reserved === 'string') writer.text(10, reserved);
    // the end is exclusive
    else
      writer.bytes(
        9,
        new ProtoWriter()
          .number(1, reserved[0])
          .number(2, reserved[1] + 1)
          .finish(),
      );
  }
  return writer.finish();
}

interface FieldType {
  readonly type: number;
  /** Name of a message or enum. */
  readonly name?: string | undefined;
}

function typeOf(file: ProtoFile, owner: string, message: ProtoMessage, name: string, field: ProtoField): FieldType {
  const own = `.${file.package}.${owner}`;
  if (field.keyType !== undefined) return { type: MESSAGE, name: `${own}.${entryName(name)}` };
  const scalar = SCALARS[field.type];
  if (scalar !== undefined) return { type: scalar };
  if (message.nested?.[field.type]) return { type: ENUM, name: `${own}.${field.type}` };
  return { type: MESSAGE, name: typeName(file, field.type) };
}

function encodeField(name: string, field: ProtoField, type: FieldType, oneof: number): Buffer {
  const isList = field.keyType !== undefined || field.rule === 'repeated';
  const writer = new ProtoWriter()
    .text(1, name)
    .number(3, field.id)
    .number(4, isList ? REPEATED : OPTIONAL)
    .number(5, type.type);
  if (type.name !== undefined) writer.text(6, type.name);
  if (oneof >= 0) writer.number(9, oneof);
  return writer.text(10, field.jsonName ?? camelCase(name)).finish();
}

function encodeMapEntry(file: ProtoFile, name: string, { keyType, type }: ProtoField): Buffer {
  const fields = { key: { type: keyType!, id: 1 }, value: { type, id: 2 } };
  const isMapEntry = new ProtoWriter().bytes(7, new ProtoWriter().number(7, 1).finish()).finish();
  return Buffer.concat([encodeMessage(file, entryName(name), { fields }), isMapEntry]);
}

function encodeEnum(name: string, values: ProtoEnum['values']): Buffer {
  const writer = new ProtoWriter().text(1, name);
  for (const [value, id] of Object.entries(values)) {
    writer.bytes(2, new ProtoWriter().text(1, value).number(2, id).finish());
  }
  return writer.finish();
}

function encodeService(file: ProtoFile, name: string, methods: Readonly<Record<string, ProtoMethod>>): Buffer {
  const writer = new ProtoWriter().text(1, name);
  for (const [method, { requestType, responseType, requestStream, responseStream }] of Object.entries(methods)) {
    const descriptor = new ProtoWriter()
      .text(1, method)
      .text(2, typeName(file, requestType))
      .text(3, typeName(file, responseType));
    if (requestStream) descriptor.number(5, 1);
    if (responseStream) descriptor.number(6, 1);
    writer.bytes(2, descriptor.finish());
  }
  return writer.finish();
}

function typeName(file: ProtoFile, type: string): string {
  return `.${fullTypeName(file.package, type)}`;
}

/** The name that protoc gives to the entry message of a map. */
function entryName(field: string): string {
  const name = camelCase(field);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Entry`;
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
