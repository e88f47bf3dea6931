import { messageCodec, type ProtoFile } from '../../../protocol/internal.js';

/** The part of `google/protobuf/descriptor.proto` that describes the types of fields. */
const DESCRIPTOR_PROTO: ProtoFile = {
  name: 'google/protobuf/descriptor.proto',
  package: 'google.protobuf',
  messages: {
    FileDescriptorProto: {
      fields: {
        package: { type: 'string', id: 2 },
        messages: { rule: 'repeated', type: 'DescriptorProto', id: 4 },
        enums: { rule: 'repeated', type: 'EnumDescriptorProto', id: 5 },
        services: { rule: 'repeated', type: 'ServiceDescriptorProto', id: 6 },
      },
    },
    DescriptorProto: {
      fields: {
        name: { type: 'string', id: 1 },
        fields: { rule: 'repeated', type: 'FieldDescriptorProto', id: 2 },
        messages: { rule: 'repeated', type: 'DescriptorProto', id: 3 },
        enums: { rule: 'repeated', type: 'EnumDescriptorProto', id: 4 },
        options: { type: 'MessageOptions', id: 7 },
        oneofs: { rule: 'repeated', type: 'OneofDescriptorProto', id: 8 },
      },
    },
    FieldDescriptorProto: {
      fields: {
        name: { type: 'string', id: 1 },
        label: { type: 'int32', id: 4 },
        type: { type: 'int32', id: 5 },
        typeName: { type: 'string', id: 6 },
        oneofIndex: { type: 'int32', id: 9 },
      },
      // distinguishes the index 0 from an absent index
      oneofs: { hasOneof: { oneof: ['oneofIndex'] } },
    },
    MessageOptions: { fields: { mapEntry: { type: 'bool', id: 7 } } },
    OneofDescriptorProto: { fields: { name: { type: 'string', id: 1 } } },
    EnumDescriptorProto: {
      fields: {
        name: { type: 'string', id: 1 },
        values: { rule: 'repeated', type: 'EnumValueDescriptorProto', id: 2 },
      },
    },
    EnumValueDescriptorProto: { fields: { name: { type: 'string', id: 1 } } },
    ServiceDescriptorProto: {
      fields: {
        name: { type: 'string', id: 1 },
        methods: { rule: 'repeated', type: 'MethodDescriptorProto', id: 2 },
      },
    },
    MethodDescriptorProto: {
      fields: {
        name: { type: 'string', id: 1 },
        inputType: { type: 'string', id: 2 },
        outputType: { type: 'string', id: 3 },
      },
    },
  },
};

export interface FileDescriptor {
  readonly package: string;
  readonly messages: readonly MessageDescriptor[];
  readonly enums: readonly EnumDescriptor[];
  readonly services: readonly ServiceDescriptor[];
}

export interface MessageDescriptor {
  readonly name: string;
  readonly fields: readonly FieldDescriptor[];
  readonly messages: readonly MessageDescriptor[];
  readonly enums: readonly EnumDescriptor[];
  readonly options: { readonly mapEntry: boolean } | null;
  readonly oneofs: readonly { readonly name: string }[];
}

export interface FieldDescriptor {
  readonly name: string;
  /** 3 for a repeated field. */
  readonly label: number;
  /** Number of the type, 1 to 18. */
  readonly type: number;
  /** Name of a message or enum, perhaps relative to the scope. */
  readonly typeName: string;
  /** Index of the oneof of the field. */
  readonly oneofIndex?: number;
}

export interface EnumDescriptor {
  readonly name: string;
  readonly values: readonly { readonly name: string }[];
}

export interface ServiceDescriptor {
  readonly name: string;
  readonly methods: readonly { readonly name: string; readonly inputType: string; readonly outputType: string }[];
}

const { decode } = messageCodec('google.protobuf.FileDescriptorProto', [DESCRIPTOR_PROTO]);

/** Decodes a `FileDescriptorProto`; throws DtmArgumentError for other bytes. */
export function decodeFileDescriptor(bytes: Uint8Array): FileDescriptor {
  return decode(bytes) as FileDescriptor;
}
