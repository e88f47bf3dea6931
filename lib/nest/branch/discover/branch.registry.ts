import { Injectable } from '@nestjs/common';
import type { BarrierAdapter } from '../../../barrier/index.js';
import type { BranchLocator, BranchRef, QueryPreparedEndpoint, TccUrls } from '../../../client/index.js';
import { describeValue } from '../../../support/describe-value.js';
import { DtmConfigError, isHttpUrl, type Protocol, type StepUrls } from '../../../protocol/internal.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import { DATABASE_METADATA, DATABASE_PARAMETER } from '../../query-prepared/query-prepared.controller.js';
import { findBranchDefinition, isQueryBack, type BranchDefinition } from '../definition/branch-definition.js';
import { ApplicationEndpoint } from './application-endpoint.js';
import { ControllerBranchRef } from './branch-of.js';
import type { RegisteredBranch } from './registered-branch.js';

/** Decorator of the branches of each mode. */
const DECORATORS = { saga: '@SagaBranch', tcc: '@TccAction', msg: '@MsgBranch', xa: '@XaBranch' } as const;

/** How a branch of each mode is named by its URLs. */
const URLS = { saga: '{ action, compensate }', tcc: '{ try, confirm, cancel }', msg: 'a URL', xa: 'a URL' } as const;

type Mode = keyof typeof DECORATORS;

/** A branch that a reference names. */
interface FoundBranch<T extends Mode> {
  readonly definition: Extract<BranchDefinition, { readonly transType: T; readonly companions: unknown }>;
  readonly method: string;
  /** URL of a method of the same controller. */
  urlOf(method: string): string;
}

/** The branches of one application. Finds the URLs of the references that `branchOf` returns. */
@Injectable()
export class BranchRegistry implements BranchLocator {
  readonly #branches: RegisteredBranch[] = [];
  readonly #byPath = new Map<string, RegisteredBranch>();
  #isComplete = false;

  constructor(
    private readonly endpoint: ApplicationEndpoint,
    private readonly settings: DtmSettings,
  ) {}

  /** @throws DtmConfigError when another branch has one of the paths */
  add(branch: RegisteredBranch): void {
    for (const path of branch.paths) {
      const other = this.#byPath.get(path);
      if (other) {
        throw new DtmConfigError(
          `${nameOf(branch)} and ${nameOf(other)} are both branches at ${path}; give one of them another path, and list a controller in one module only`,
        );
      }
      this.#byPath.set(path, branch);
    }
    this.#branches.push(branch);
  }

  /** Tells that every branch of the application is added. */
  complete(): void {
    this.#isComplete = true;
  }

  /** All branch methods, the query-back among them. */
  list(): readonly RegisteredBranch[] {
    return this.#branches;
  }

  /** The definition of the branch at a path. */
  findDefinition(path: string): BranchDefinition | undefined {
    return this.#byPath.get(path)?.definition;
  }

  /** @internal */
  getSagaUrls(ref: BranchRef): StepUrls {
    const { definition, method, urlOf } = this.#find(ref, 'saga');
    const { compensate } = definition.companions;
    return { action: urlOf(method), compensate: compensate === false ? '' : urlOf(compensate) };
  }

  /** @internal */
  getTccUrls(ref: BranchRef): TccUrls {
    const { definition, method, urlOf } = this.#find(ref, 'tcc');
    const { confirm, cancel } = definition.companions;
    return { try: urlOf(method), confirm: urlOf(confirm), cancel: urlOf(cancel) };
  }

  /** @internal */
  getMsgUrl(ref: BranchRef): string {
    const { method, urlOf } = this.#find(ref, 'msg');
    return urlOf(method);
  }

  /** @internal */
  getXaUrl(ref: BranchRef): string {
    const { method, urlOf } = this.#find(ref, 'xa');
    return urlOf(method);
  }

  /** @internal */
  getRequestTimeoutSeconds(ref: BranchRef): number | undefined {
    const { controller, method } = ref as ControllerBranchRef;
    return this.#branches.find((branch) => branch.controller === controller && branch.method === method)?.definition
      .requestTimeoutSeconds;
  }

  /**
   * The query-back endpoint for local transactions of this application.
   *
   * @param adapter - barrier of their database
   * @param protocol - protocol of the message; dtm makes the query-back of an HTTP message over HTTP only
   * @throws DtmConfigError when the barrier is not registered, or the application's address is not known
   */
  getQueryPrepared(adapter: BarrierAdapter<unknown>, protocol: Protocol): QueryPreparedEndpoint {
    const { databases, driver } = this.settings;
    const database = databases.getName(adapter);
    const branch = this.#branches.find(({ definition }) => isQueryBack(definition))!;
    const isInProcess = this.endpoint.route === 'in-process';
    const over = protocol === 'grpc' || isInProcess ? undefined : 'http';
    const url = this.endpoint.urlOf(branch, { at: undefined, over });
    if (isInProcess || isHttpUrl(url) || driver.http?.isNamed(url, 'branch')) {
      return { url: `${url}${url.includes('?') ? '&' : '?'}${DATABASE_PARAMETER}=${database}` };
    }
    const isOnlyOne = database === 'default' && databases.barrierCount === 1;
    return isOnlyOne ? { url } : { url, headers: { [DATABASE_METADATA]: database } };
  }

  #find<T extends Mode>(ref: BranchRef, transType: T): FoundBranch<T> {
    if (!(ref instanceof ControllerBranchRef)) {
      throw new DtmConfigError(
        `${describeValue(ref)} is no branch of a ${transType}; give ${URLS[transType]}, or a reference that branchOf() returned`,
      );
    }
    if (!this.#isComplete) {
      throw new DtmConfigError(
        `${nameOf(ref)}: the branches of this application are not known before it is initialised; ` +
          'await app.init() or app.listen() first, or start the transaction in onApplicationBootstrap()',
      );
    }
    const { controller, method } = ref;
    const own = this.#branches.filter((branch) => branch.controller === controller);
    const { definition } = findOnlyBranch(ref, own, DECORATORS[transType]);
    if (definition.transType !== transType) {
      throw new DtmConfigError(
        `${nameOf(ref)} is a ${definition.transType} branch; a ${transType} needs a method with ${DECORATORS[transType]}`,
      );
    }
    if ('companionOf' in definition) {
      const { companionOf, op } = definition;
      throw new DtmConfigError(`${nameOf(ref)} is the ${op} of ${companionOf}; reference the branch by ${companionOf}`);
    }
    const urlOf = (name: string): string =>
      this.endpoint.urlOf(
        own.find((branch) => branch.method === name)!,
        ref,
      );
    return { definition: definition as FoundBranch<T>['definition'], method, urlOf };
  }
}

function findOnlyBranch(
  ref: ControllerBranchRef,
  own: readonly RegisteredBranch[],
  decorator: string,
): RegisteredBranch {
  const found = own.filter(({ method }) => method === ref.method);
  const [branch] = found;
  if (branch && found.length === 1) return branch;
  if (branch) {
    throw new DtmConfigError(
      `${nameOf(ref)} has several endpoints (${found.map(({ paths }) => paths[0]).join(', ')}); give URLs`,
    );
  }
  const isDecorated = findBranchDefinition((ref.controller.prototype as Record<string, unknown>)[ref.method]);
  throw new DtmConfigError(
    own.length === 0 && isDecorated
      ? `${nameOf(ref)}: no module of this application lists ${ref.controller.name} as a controller with branches; add it to "controllers", or give URLs`
      : `${nameOf(ref)} is no branch; decorate it with ${decorator}`,
  );
}

function nameOf({ controller, method }: Pick<RegisteredBranch, 'controller' | 'method'>): string {
  return `${controller.name}.${method}`;
}
