import { Injectable } from '@nestjs/common';
import type { BarrierAdapter } from '../../../barrier/index.js';
import type { BranchLocator, BranchRef, QueryPreparedEndpoint, TccUrls } from '../../../client/index.js';
import { DtmConfigError, isHttpUrl, type Protocol, type StepUrls } from '../../../protocol/internal.js';
import { DtmSettings } from '../../options/dtm.options.js';
import {
  DATABASE_METADATA,
  DATABASE_PARAMETER,
  QueryPreparedController,
} from '../../query-prepared/query-prepared.controller.js';
import type { BranchDefinition } from '../definition/branch-definition.js';
import { ApplicationEndpoint } from './application-endpoint.js';
import type { BranchEntry } from './branch-entry.js';
import { ControllerBranchRef } from './branch-of.js';

/** Decorators of the branches of each mode, for messages. */
const DECORATORS = { saga: '@SagaBranch', tcc: '@TccAction', msg: '@MsgBranch', xa: '@XaBranch' } as const;

/** A branch that was found by its name. */
interface Found<T extends keyof typeof DECORATORS> {
  readonly definition: Extract<BranchDefinition, { readonly transType: T; readonly companions: unknown }>;
  /** URL of a method of its controller. */
  urlOf(method: string): string;
}

/** The branch endpoints of one application; finds the URLs of what `branchOf` names. */
@Injectable()
export class BranchRegistry implements BranchLocator {
  readonly #entries: BranchEntry[] = [];
  readonly #byPath = new Map<string, BranchEntry>();

  constructor(
    private readonly endpoint: ApplicationEndpoint,
    private readonly settings: DtmSettings,
  ) {}

  /**
   * Adds an endpoint.
   *
   * @param entry - the endpoint
   * @throws DtmConfigError when one of its paths leads to another branch already
   */
  add(entry: BranchEntry): void {
    for (const path of entry.paths) {
      const other = this.#byPath.get(path);
      if (other) {
        throw new DtmConfigError(
          `${nameOf(entry)} and ${nameOf(other)} are both branches at ${path}; give one another path, and register a controller in one module only`,
        );
      }
      this.#byPath.set(path, entry);
    }
    this.#entries.push(entry);
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

  /**
   * Where the coordinator asks about local transactions of this application.
   *
   * @param adapter - barrier of their database
   * @param protocol - of the message; one of HTTP is not asked about over gRPC
   * @throws DtmConfigError when the barrier is not registered, or the coordinator cannot find the application
   */
  getQueryPrepared(adapter: BarrierAdapter<unknown>, protocol: Protocol): QueryPreparedEndpoint {
    const database = this.settings.databases.nameOf(adapter);
    const entry = this.#entries.find(({ controller }) => controller === QueryPreparedController)!;
    const over = protocol === 'grpc' ? undefined : 'http';
    const url = this.endpoint.urlOf(entry, { at: undefined, over });
    if (isHttpUrl(url) || this.settings.driver.http?.isNamed(url, 'branch')) {
      return { url: `${url}${url.includes('?') ? '&' : '?'}${DATABASE_PARAMETER}=${database}` };
    }
    const isOnlyOne = database === 'default' && this.settings.databases.barrierCount === 1;
    return isOnlyOne ? { url } : { url, headers: { [DATABASE_METADATA]: database } };
  }

  #find<T extends keyof typeof DECORATORS>(ref: BranchRef, transType: T): Found<T> & { readonly method: string } {
    if (!(ref instanceof ControllerBranchRef)) {
      throw new DtmConfigError(
        'this is neither an object with the URLs of a branch nor a reference made by branchOf()',
      );
    }
    const { controller, method } = ref;
    const own = this.#entries.filter((entry) => entry.controller === controller);
    const found = own.filter((entry) => entry.method === method);
    const [entry] = found;
    const decorator = DECORATORS[transType];
    if (!entry) {
      throw new DtmConfigError(
        own.length === 0
          ? `${nameOf(ref)}: no module of this application has the controller ${controller.name} with branches; add it to "controllers", or give URLs`
          : `${nameOf(ref)} is no branch; decorate it with ${decorator}`,
      );
    }
    const { definition } = entry;
    if (found.length > 1) {
      throw new DtmConfigError(
        `${nameOf(ref)} has several endpoints (${found.map(({ paths }) => paths[0]).join(', ')}); give URLs`,
      );
    }
    if (definition.transType !== transType) {
      throw new DtmConfigError(
        `${nameOf(ref)} is a ${definition.transType} branch; a ${transType} needs a method with ${decorator}`,
      );
    }
    if ('companionOf' in definition) {
      const { companionOf, op } = definition;
      throw new DtmConfigError(`${nameOf(ref)} is the ${op} of ${companionOf}; name the branch by ${companionOf}`);
    }
    const urlOf = (name: string): string =>
      this.endpoint.urlOf(
        own.find((other) => other.method === name)!,
        ref,
      );
    return { definition: definition as Found<T>['definition'], method, urlOf };
  }
}

function nameOf({ controller, method }: Pick<BranchEntry, 'controller' | 'method'>): string {
  return `${controller.name}.${method}`;
}
