import { DtmArgumentError } from '../errors.js';
import type { ProtoFile, ProtoMessage, ProtoService } from './proto-file.js';

/**
 * The name of a message with its package in front.
 *
 * @param owningPackage - package in which it is used
 * @param type - as it stands there
 */
export function fullTypeName(owningPackage: string, type: string): string {
  return type.includes('.') ? type : `${owningPackage}.${type}`;
}

/**
 * Finds a message by its full name.
 *
 * @param name - with its package in front
 * @param files - where to look
 * @throws DtmArgumentError when none of them has it
 */
export function findMessage(name: string, files: readonly ProtoFile[]): { file: ProtoFile; message: ProtoMessage } {
  const { file, own } = split(name, files);
  const message = file?.messages[own];
  if (!file || !message) throw new DtmArgumentError(`there is no message ${name}`);
  return { file, message };
}

/**
 * Finds a service by its full name.
 *
 * @param name - with its package in front
 * @param files - where to look
 * @throws DtmArgumentError when none of them has it
 */
export function findService(name: string, files: readonly ProtoFile[]): { file: ProtoFile; service: ProtoService } {
  const { file, own } = split(name, files);
  const service = file?.services?.[own];
  if (!file || !service) throw new DtmArgumentError(`there is no service ${name}`);
  return { file, service };
}

/** Each package is in one file. */
function split(name: string, files: readonly ProtoFile[]): { file: ProtoFile | undefined; own: string } {
  const dot = name.lastIndexOf('.');
  return { file: files.find((file) => file.package === name.slice(0, dot)), own: name.slice(dot + 1) };
}
