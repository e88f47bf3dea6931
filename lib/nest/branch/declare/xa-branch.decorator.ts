import { UseInterceptors } from '@nestjs/common';
import { XaSecondPhaseInterceptor } from '../serve/xa-second-phase.interceptor.js';
import { defineBranch, type BranchRouteOptions } from './define-branch.js';
import { parseDecoratorOptions } from './parse-decorator-options.js';

/** Options of {@link XaBranch}. */
export interface XaBranchOptions extends BranchRouteOptions {
  /** Name of the database in the option `databases` of `DtmModule`, which must have an `xa` there. @default 'default' */
  readonly database?: string | undefined;
}

/**
 * Makes a controller method the first phase of an XA branch: an endpoint at `/<controller>/<method name>`, for POST, GET and
 * gRPC. The method works in `xa.call`, which it gets by `@Xa()`. dtm calls the same endpoint for commit and rollback; the
 * module answers these calls, and the method does not run.
 *
 * @param options - the database, and where callers find the method
 * @throws DtmConfigError at class definition when the method serves another operation; at bootstrap when the database is
 *   missing
 *
 * @example
 * \@XaBranch()
 * async transOut(@BranchPayload() transfer: TransferDto, @Xa() xa: XaParticipant<PoolClient>) {
 *   await xa.call((client) => client.query('update account set …'));
 * }
 */
export function XaBranch(options: XaBranchOptions = {}) {
  const { database = 'default', ...route } = parseDecoratorOptions('@XaBranch', options, '@XaBranch()');
  return <C extends object, K extends keyof C>(
    target: C,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    const purpose = { transType: 'xa', op: 'action', companions: {}, database } as const;
    defineBranch(target, method, route, purpose, descriptor);
    UseInterceptors(XaSecondPhaseInterceptor)(target, method, descriptor as PropertyDescriptor);
    Object.defineProperty(target, method, descriptor);
  };
}
