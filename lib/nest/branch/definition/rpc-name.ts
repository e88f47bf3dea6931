import { DtmConfigError } from '../../../protocol/internal.js';

/** Name of a branch method over gRPC. */
export interface RpcName {
  /** Full name of the service; one of the package `nestjsdtm` takes and returns JSON. */
  readonly service: string;
  readonly method: string;
}

/**
 * Checks the gRPC name that a decorator gives to a method, and fills in what it leaves out.
 *
 * @param controller - name of the class
 * @param options - what the decorator says
 * @throws DtmConfigError when gRPC does not allow the name
 */
export function parseRpcName(
  controller: string,
  name: string,
  options: { readonly service?: string | undefined; readonly rpc?: string | undefined },
): RpcName {
  const method = options.rpc ?? name.charAt(0).toUpperCase() + name.slice(1);
  const service = options.service ?? `nestjsdtm.${withoutControllerSuffix(controller)}`;
  const isGiven = options.service !== undefined || options.rpc !== undefined;
  if (isGiven && !(/^[a-z_][\w.]*$/i.test(service) && /^[a-z_]\w*$/i.test(method))) {
    throw new DtmConfigError(
      `${controller}.${name}: ${service}/${method} is not a valid name in gRPC; give a service such as bank.Bank and an rpc such as TransOut`,
    );
  }
  return { service, method };
}

/** `BankController` without its suffix: `Bank`. */
export function withoutControllerSuffix(controller: string): string {
  return controller.replace(/(?<=.)Controller$/, '');
}
