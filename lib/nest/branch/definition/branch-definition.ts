import { Reflector } from '@nestjs/core';

/** What the branch decorators leave on every method that dtm calls. */
export type BranchDefinition = BranchPurpose & {
  /** What it is called over gRPC. */
  readonly rpc: RpcName;
};

/** What dtm calls a branch method for. */
export type BranchPurpose =
  | {
      /** Mode of the transactions that may call it. */
      readonly transType: 'saga';
      /** What it does in them. */
      readonly op: 'action';
      /** Method that undoes it; false = nothing to undo. */
      readonly companions: { readonly compensate: string | false };
    }
  | {
      /** Mode of the transactions that may call it. */
      readonly transType: 'tcc';
      /** What it does in them. */
      readonly op: 'try';
      /** Methods of the second phase. */
      readonly companions: { readonly confirm: string; readonly cancel: string };
    }
  | {
      /** Mode of the transactions that may call it. */
      readonly transType: 'msg';
      /** What it does in them: take a message, or tell what became of its local transaction. */
      readonly op: 'action' | 'msg';
      /** It has none. */
      readonly companions: Readonly<Record<never, string>>;
    }
  | {
      /** Mode of the transactions that may call it. */
      readonly transType: 'xa';
      /** What it does in them; it is called for `commit` and `rollback`, too. */
      readonly op: 'action';
      /** It has none. */
      readonly companions: Readonly<Record<never, string>>;
      /** Name of its database in the module's options. */
      readonly database: string;
    }
  | {
      /** Mode of the transactions that may call it. */
      readonly transType: 'saga' | 'tcc';
      /** What it does in them. */
      readonly op: CompanionOp;
      /** Method that names it as its companion. */
      readonly companionOf: string;
    };

/** Name of a gRPC method. */
export interface RpcName {
  /** Full name of the service; one of the package `nestjsdtm` takes and answers JSON. */
  readonly service: string;
  /** Name of the method. */
  readonly method: string;
}

/** Operations of companion methods. */
export type CompanionOp = 'compensate' | 'confirm' | 'cancel';

/** Writes and reads the one piece of metadata: `Branch(definition)`, `reflector.get(Branch, method)`. */
export const BranchMetadata = Reflector.createDecorator<BranchDefinition>({ key: 'nestjs-dtm:branch' });

/**
 * The definition on a method, whatever the value is.
 *
 * @param method - a method, or anything
 */
export function findBranchDefinition(method: unknown): BranchDefinition | undefined {
  return typeof method === 'function'
    ? (Reflect.getMetadata(BranchMetadata.KEY, method) as BranchDefinition | undefined)
    : undefined;
}
