import { DtmConfigError } from '../../../protocol/internal.js';

/** @param where - the branch method, `Controller.method` */
export function routeDecoratorError(where: string): DtmConfigError {
  return new DtmConfigError(
    `${where} has a route decorator such as @Post(); remove it, the branch decorator maps the route`,
  );
}
