import { DtmArgumentError } from '../errors.js';
import type { ProtoFile, ProtoMessage, ProtoService } from './proto-file.js';

/**
 * Full name of a message type.
 *
 * @param owningPackage - package of the file that mentions the type
 * @param type - name as it is mentioned
 */
export function fullTypeName(owningPackage: string, type: string): string {
  return type.includes('.') ? type : `${owningPackage}.${type}`;
}

/**
 * Finds a message by its full name.
 *
 * @throws DtmArgumentError when no file has the message
 */
export function findMessage(name: string, files: readonly ProtoFile[]): { file: ProtoFile; message: ProtoMessage } {
  const { file, own } = split(name, files);
  const message = file?.messages[own];
  if (!file || !message) throw new DtmArgumentError(`the message ${name} does not exist`);
  return { file, message };
}

/**
 * Finds a service by its full name.
 *
 * @throws DtmArgumentError when no file has the service
 */
export function findService(name: string, files: readonly ProtoFile[]): { file: ProtoFile; service: ProtoService } {
  const { file, own } = split(name, files);
  const service = file?.services?.[own];
  if (!file || !service) throw new DtmArgumentError(`the service ${name} does not exist`);
  return { file, service };
}

/** A package is in one file only. */
function split(name: string, files: readonly ProtoFile[]): { file: ProtoFile | undefined; own: string } {
  const dot = name.lastIndexOf('.');
  return { file: files.find((file) => file.package === name.slice(0, dot)), own: name.slice(dot + 1) };
}
