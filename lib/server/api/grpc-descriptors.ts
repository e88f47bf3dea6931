import type { ProtoEnum, ProtoField, ProtoFile, ProtoMessage, ProtoMethod } from '../../protocol/index.js';

/** Numbers of the types in a `FieldDescriptorProto`. */
const SCALARS: Readonly<Record<string, number>> = { int64: 3, int32: 5, bool: 8, string: 9, bytes: 12 };
const MESSAGE = 11;
const ENUM = 14;

const OPTIONAL = 1;
const REPEATED = 3;

/**
 * Writes a .proto file as the `FileDescriptorProto` that protoc would make of it. What `@grpc/reflection` derives from
 * loaded messages lacks imports and JSON names and has entries of maps under wrong names, so that clients refuse it.
 *
 * @param file - the file
 */
export function fileDescriptor(file: ProtoFile): Buffer {
  return Buffer.concat([
    text(1, file.name),
    text(2, file.package),
    ...(file.imports ?? []).map((name) => text(3, name)),
    ...Object.entries(file.messages).map(([name, message]) => bytes(4, messageDescriptor(file, name, message))),
    ...Object.entries(file.services ?? {}).map(([name, { methods }]) =>
      bytes(6, serviceDescriptor(file, name, methods)),
    ),
    text(12, 'proto3'),
  ]);
}

function messageDescriptor(file: ProtoFile, name: string, message: ProtoMessage): Buffer {
  const oneofs = Object.entries(message.oneofs ?? {});
  const fields = Object.entries(message.fields);
  return Buffer.concat([
    text(1, name),
    ...fields.map(([fieldName, field]) => {
      const oneof = oneofs.findIndex(([, group]) => group.oneof.includes(fieldName));
      return bytes(2, fieldDescriptor(file, name, message, fieldName, field, oneof));
    }),
    ...fields
      .filter(([, { keyType }]) => keyType !== undefined)
      .map(([fieldName, field]) => bytes(3, mapEntryDescriptor(file, fieldName, field))),
    ...Object.entries(message.nested ?? {}).map(([enumName, { values }]) => bytes(4, enumDescriptor(enumName, values))),
    ...oneofs.map(([oneof]) => bytes(8, text(1, oneof))),
    ...(message.reserved ?? []).map((reserved) =>
      typeof reserved === 'string'
        ? text(10, reserved)
        : // the end is exclusive
          bytes(9, Buffer.concat([number(1, reserved[0]), number(2, reserved[1] + 1)])),
    ),
  ]);
}

function fieldDescriptor(
  file: ProtoFile,
  messageName: string,
  message: ProtoMessage,
  name: string,
  field: ProtoField,
  oneof: number,
): Buffer {
  const isMap = field.keyType !== undefined;
  const isEnum = message.nested !== undefined && Object.hasOwn(message.nested, field.type);
  const scalar = isMap ? undefined : SCALARS[field.type];
  const own = `.${file.package}.${messageName}`;
  const typeName = isMap
    ? `${own}.${entryName(name)}`
    : isEnum
      ? `${own}.${field.type}`
      : fullName(file.package, field.type);
  return Buffer.concat([
    text(1, name),
    number(3, field.id),
    number(4, isMap || field.rule === 'repeated' ? REPEATED : OPTIONAL),
    number(5, scalar ?? (isEnum ? ENUM : MESSAGE)),
    scalar === undefined ? text(6, typeName) : Buffer.alloc(0),
    oneof < 0 ? Buffer.alloc(0) : number(9, oneof),
    text(10, field.jsonName ?? camelCase(name)),
  ]);
}

function mapEntryDescriptor(file: ProtoFile, name: string, { keyType, type }: ProtoField): Buffer {
  const entry: ProtoMessage = { fields: { key: { type: keyType!, id: 1 }, value: { type, id: 2 } } };
  const isMapEntry = bytes(7, number(7, 1));
  return Buffer.concat([messageDescriptor(file, entryName(name), entry), isMapEntry]);
}

function enumDescriptor(name: string, values: ProtoEnum['values']): Buffer {
  const descriptors = Object.entries(values).map(([value, id]) =>
    bytes(2, Buffer.concat([text(1, value), number(2, id)])),
  );
  return Buffer.concat([text(1, name), ...descriptors]);
}

function serviceDescriptor(file: ProtoFile, name: string, methods: Readonly<Record<string, ProtoMethod>>): Buffer {
  const descriptors = Object.entries(methods).map(([method, { requestType, responseType, ...streams }]) =>
    bytes(
      2,
      Buffer.concat([
        text(1, method),
        text(2, fullName(file.package, requestType)),
        text(3, fullName(file.package, responseType)),
        streams.requestStream ? number(5, 1) : Buffer.alloc(0),
        streams.responseStream ? number(6, 1) : Buffer.alloc(0),
      ]),
    ),
  );
  return Buffer.concat([text(1, name), ...descriptors]);
}

function fullName(packageName: string, type: string): string {
  return type.includes('.') ? `.${type}` : `.${packageName}.${type}`;
}

/** The name that protoc gives to the entries of a map. */
function entryName(field: string): string {
  const name = camelCase(field);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Entry`;
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function bytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const encoded = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) encoded.push((rest & 0x7f) | 0x80);
  return Buffer.from([...encoded, rest]);
}
