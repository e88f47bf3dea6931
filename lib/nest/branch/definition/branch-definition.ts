import { Reflector } from '@nestjs/core';
import type { RpcName } from './rpc-name.js';

/** Metadata that the decorators record on every method that dtm calls. */
export type BranchDefinition = BranchPurpose & {
  readonly rpc: RpcName;
  /** Of the branch; its companions have none. Undefined when the transaction decides. */
  readonly requestTimeoutSeconds?: number | undefined;
};

/** The transactions and operations that a branch method serves. */
export type BranchPurpose =
  | {
      readonly transType: 'saga';
      readonly op: 'action';
      /** Method that undoes the action; false when there is nothing to undo. */
      readonly companions: { readonly compensate: string | false };
    }
  | {
      readonly transType: 'tcc';
      readonly op: 'try';
      /** Methods of the second phase. */
      readonly companions: { readonly confirm: string; readonly cancel: string };
    }
  | {
      readonly transType: 'msg';
      /** `action` takes a message; `msg` is the query-back, which tells whether the local transaction committed. */
      readonly op: 'action' | 'msg';
      readonly companions: Readonly<Record<never, string>>;
    }
  | {
      readonly transType: 'xa';
      /** The first phase; dtm calls the same endpoint for `commit` and `rollback`. */
      readonly op: 'action';
      readonly companions: Readonly<Record<never, string>>;
      /** Name of the database in the module's options. */
      readonly database: string;
    }
  | {
      readonly transType: 'saga' | 'tcc';
      readonly op: CompanionOp;
      /** Method that names this one as its companion. */
      readonly companionOf: string;
      /** Database in the module's options whose barrier shows whether the action or try ran. */
      readonly barrier?: string | undefined;
    };

/** Operations of companion methods. */
export type CompanionOp = 'compensate' | 'confirm' | 'cancel';

/** The one piece of metadata of this package, as a decorator. */
export const BranchMetadata = Reflector.createDecorator<BranchDefinition>({ key: 'nestjs-dtm:branch' });

/** The definition on a method; undefined for any other value. */
export function findBranchDefinition(method: unknown): BranchDefinition | undefined {
  return typeof method === 'function'
    ? (Reflect.getMetadata(BranchMetadata.KEY, method) as BranchDefinition | undefined)
    : undefined;
}

/** Whether the response carries the method's result: the initiator itself calls tries and XA actions, and reads it. */
export function hasResult({ transType, op }: BranchDefinition): boolean {
  return op === 'try' || (transType === 'xa' && op === 'action');
}

/** Whether the method is the query-back of the module, and not a branch of the application. */
export function isQueryBack({ transType, op }: BranchDefinition): boolean {
  return transType === 'msg' && op === 'msg';
}

/** Whether a payload that cannot be read is a failure, because the transaction can be rolled back. */
export function mayRefusePayload({ transType }: BranchDefinition): boolean {
  return transType === 'saga' || transType === 'tcc';
}
