import type { ExecutionContext } from '@nestjs/common';
import { findBranchContext } from '../nest/branch/serve/find-branch-context.js';
import type { BranchContext } from '../protocol/internal.js';

/** What {@link setBranch} puts into the context. Extend the interface of your store by it. */
export interface BranchClsStore {
  [key: symbol]: unknown;
  /** The branch that is called. @default the call is not one of dtm */
  branch?: Pick<BranchContext, 'gid' | 'transType' | 'branchId' | 'op'> | undefined;
}

/**
 * Puts the branch that dtm calls into a context of `nestjs-cls`, under the key `branch`: gid, mode, branch id and operation. Does
 * nothing for any other call. It is a `setup` of the guard or interceptor of `nestjs-cls`.
 *
 * @param cls - the `ClsService`
 * @param context - of the guard or interceptor
 *
 * @example
 * ClsModule.forRoot({ global: true, guard: { mount: true, setup: setBranch } });
 */
export function setBranch(cls: { set(key: string, value: unknown): void }, context: ExecutionContext): void {
  const branch = findBranchContext(context);
  if (!branch) return;
  const { gid, transType, branchId, op } = branch;
  cls.set('branch', { gid, transType, branchId, op });
}
