import { DtmConfigError } from '../../../protocol/internal.js';
import type { RpcName } from './branch-definition.js';

/**
 * Name of a branch method over gRPC.
 *
 * @param controller - name of its class
 * @param name - of the method
 * @param given - what the decorator says about it
 * @throws DtmConfigError when gRPC knows no such name
 */
export function parseRpcName(
  controller: string,
  name: string,
  given: { readonly service?: string | undefined; readonly rpc?: string | undefined },
): RpcName {
  const method = given.rpc ?? name.charAt(0).toUpperCase() + name.slice(1);
  const service = given.service ?? `nestjsdtm.${withoutSuffix(controller)}`;
  const isGiven = given.service !== undefined || given.rpc !== undefined;
  if (isGiven && !(/^[a-z_][\w.]*$/i.test(service) && /^[a-z_]\w*$/i.test(method))) {
    throw new DtmConfigError(
      `${controller}.${name}: gRPC knows no method ${method} of ${service}; service is like bank.Bank, rpc like TransOut`,
    );
  }
  return { service, method };
}

/** `BankController` serves what others call `Bank`. */
export function withoutSuffix(controller: string): string {
  return controller.replace(/(?<=.)Controller$/, '');
}
