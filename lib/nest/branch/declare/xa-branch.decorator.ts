import { UseInterceptors, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { DtmConfigError } from '../../../protocol/internal.js';
import type { XaParticipant } from '../../../xa/index.js';
import { getIncomingCall } from './branch-params.decorator.js';
import { defineBranch, type BranchRouteOptions } from './define-branch.js';
import { XaSecondPhase } from '../serve/xa-second-phase.interceptor.js';

/** Options of {@link XaBranch}. */
export interface XaBranchOptions extends BranchRouteOptions {
  /** Name of its database in the option `databases` of `DtmModule`, which has to have an `xa` there. @default 'default' */
  readonly database?: string | undefined;
}

/**
 * Makes a controller method the first phase of an XA branch: an endpoint that answers POST and GET at
 * `/<controller>/<method name>`, and gRPC. It does its work in `xa.call`, which it gets by {@link Xa}. The second phase,
 * commit or rollback, comes to the same endpoint and is done by the module: the method does not run for it.
 *
 * @param options - database, and where it is found
 * @throws DtmConfigError at class definition when the method serves another branch; at bootstrap when there is no such
 *   database
 *
 * @example
 * \@XaBranch()
 * async transOut(@BranchPayload() transfer: TransferDto, @Xa() xa: XaParticipant<PoolClient>) {
 *   await xa.call((client) => client.query('update account set …'));
 * }
 */
export function XaBranch({ database = 'default', ...address }: XaBranchOptions = {}) {
  return <C extends object, K extends keyof C>(
    target: C,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    const purpose = { transType: 'xa', op: 'action', companions: {}, database } as const;
    defineBranch(target, method, address, purpose, descriptor);
    UseInterceptors(XaSecondPhase)(target, method, descriptor as PropertyDescriptor);
    Object.defineProperty(target, method, descriptor);
  };
}

/** The XA branch of the request: its `call` does the work of the first phase. */
export const Xa: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext): XaParticipant<unknown> => {
    const { xa } = getIncomingCall(context, '@Xa()');
    if (xa) return xa;
    const where = `${context.getClass().name}.${context.getHandler().name}`;
    throw new DtmConfigError(`${where} uses @Xa() but is no XA branch; decorate it with @XaBranch`);
  },
);
