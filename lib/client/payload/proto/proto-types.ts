import {
  decodeFileDescriptor,
  type EnumDescriptor,
  type FieldDescriptor,
  type MessageDescriptor,
} from './descriptor-proto.js';

/** A message with its fields by name. */
export interface MessageType {
  /** Full name. */
  readonly name: string;
  /** Fields by the names that they have in objects. */
  readonly fields: ReadonlyMap<string, FieldDescriptor>;
  /** Names of the oneofs. */
  readonly oneofs: readonly string[];
  /** The message is the entry of a map, with `key` and `value`. */
  readonly isMapEntry: boolean;
}

/** Message types of a method. */
export interface MethodTypes {
  /** Full name of the request message. */
  readonly input: string;
  /** Full name of the answer message. */
  readonly output: string;
}

/** The types of .proto files, by their full names. */
export class ProtoTypes {
  readonly #messages = new Map<string, MessageType>();
  readonly #enums = new Map<string, ReadonlySet<string>>();
  readonly #methods = new Map<string, MethodTypes>();

  /**
   * Reads descriptors.
   *
   * @param files - each a `FileDescriptorProto`
   */
  constructor(files: Iterable<Uint8Array>) {
    const all = [...files].map(decodeFileDescriptor);
    for (const { package: scope, messages, enums } of all) this.#add(scope, messages, enums);
    for (const { package: scope, services } of all) {
      for (const { name, methods } of services) {
        const service = within(scope, name);
        for (const { name: method, inputType, outputType } of methods) {
          this.#methods.set(`/${service}/${method}`, {
            input: this.#find(this.#messages, service, inputType) ?? inputType,
            output: this.#find(this.#messages, service, outputType) ?? outputType,
          });
        }
      }
    }
  }

  /**
   * Finds the message types of a method.
   *
   * @param path - `/pkg.Service/Method`
   */
  method(path: string): MethodTypes | undefined {
    return this.#methods.get(path);
  }

  /**
   * Finds a message by its name in a scope.
   *
   * @param name - full, or relative to the scope
   * @param scope - full name of the message around it. @default none, the name is a full one
   */
  message(name: string, scope: string = ''): MessageType | undefined {
    const found = this.#find(this.#messages, scope, name);
    return found === undefined ? undefined : this.#messages.get(found);
  }

  /**
   * Finds the names of the values of an enum.
   *
   * @param name - full, or relative to the scope
   * @param scope - full name of the message around it
   */
  enumNames(name: string, scope: string): ReadonlySet<string> | undefined {
    const found = this.#find(this.#enums, scope, name);
    return found === undefined ? undefined : this.#enums.get(found);
  }

  #add(scope: string, messages: readonly MessageDescriptor[], enums: readonly EnumDescriptor[]): void {
    for (const { name, values } of enums) {
      this.#enums.set(within(scope, name), new Set(values.map((value) => value.name)));
    }
    for (const { name: own, fields, oneofs, options, messages: nested, enums: nestedEnums } of messages) {
      const name = within(scope, own);
      this.#messages.set(name, {
        name,
        fields: new Map(fields.map((field) => [field.name, field])),
        oneofs: oneofs.map((oneof) => oneof.name),
        isMapEntry: options?.mapEntry ?? false,
      });
      this.#add(name, nested, nestedEnums);
    }
  }

  /** protobuf looks for a relative name in the innermost scope first, then in the outer ones. */
  #find(types: ReadonlyMap<string, unknown>, scope: string, name: string): string | undefined {
    if (name.startsWith('.')) return types.has(name.slice(1)) ? name.slice(1) : undefined;
    for (let around = scope; ; around = around.slice(0, Math.max(around.lastIndexOf('.'), 0))) {
      const full = within(around, name);
      if (types.has(full)) return full;
      if (around === '') return undefined;
    }
  }
}

function within(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}
