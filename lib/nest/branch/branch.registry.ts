import { Injectable, type Type } from '@nestjs/common';
import type { BranchLocator, BranchRef, TccUrls } from '../../client/index.js';
import { DtmConfigError, type StepUrls } from '../../protocol/index.js';
import type { BranchDefinition } from './branch-definition.js';
import { BranchEndpoint } from './branch-endpoint.js';
import { ControllerBranchRef } from './branch-ref.js';

/** A branch endpoint of the application. */
export interface BranchEntry {
  /** Controller that has it. */
  readonly controller: Type;
  /** Name of the method. */
  readonly method: string;
  /** What dtm may call it for. */
  readonly definition: BranchDefinition;
  /** Paths that lead to it, with the application's prefix and versions; the first stands in URLs. */
  readonly paths: readonly string[];
}

/** The branch endpoints of one application; finds the URLs of what `branchOf` names. */
@Injectable()
export class BranchRegistry implements BranchLocator {
  readonly #entries: BranchEntry[] = [];
  readonly #byPath = new Map<string, BranchEntry>();

  constructor(private readonly endpoint: BranchEndpoint) {}

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
  sagaUrls(ref: BranchRef): StepUrls {
    const { base, definition, path, pathOf } = this.#find(ref, 'saga', '@SagaBranch');
    if (definition.op !== 'action') throw notTheStart(ref, definition);
    const { compensate } = definition.companions;
    return { action: base + path, compensate: compensate === false ? '' : base + pathOf(compensate) };
  }

  /** @internal */
  tccUrls(ref: BranchRef): TccUrls {
    const { base, definition, path, pathOf } = this.#find(ref, 'tcc', '@TccAction');
    if (definition.op !== 'try') throw notTheStart(ref, definition);
    const { confirm, cancel } = definition.companions;
    return { try: base + path, confirm: base + pathOf(confirm), cancel: base + pathOf(cancel) };
  }

  #find(ref: BranchRef, transType: string, decorator: string) {
    if (!(ref instanceof ControllerBranchRef)) {
      throw new DtmConfigError(
        'this is neither an object with the URLs of a branch nor a reference made by branchOf()',
      );
    }
    const { controller, method } = ref;
    const own = this.#entries.filter((entry) => entry.controller === controller);
    const found = own.filter((entry) => entry.method === method);
    const [entry] = found;
    if (!entry) {
      throw new DtmConfigError(
        own.length === 0
          ? `${nameOf(ref)}: no module of this application has the controller ${controller.name} with branches; add it to "controllers", or give URLs`
          : `${nameOf(ref)} is no branch; decorate it with ${decorator}`,
      );
    }
    if (found.length > 1) {
      throw new DtmConfigError(
        `${nameOf(ref)} has several endpoints (${found.map(({ paths }) => paths[0]).join(', ')}); give URLs`,
      );
    }
    if (entry.definition.transType !== transType) {
      throw new DtmConfigError(
        `${nameOf(ref)} is a ${entry.definition.transType} branch; a ${transType} needs a method with ${decorator}`,
      );
    }
    const pathOf = (name: string): string => own.find((other) => other.method === name)!.paths[0]!;
    return { base: ref.at ?? this.endpoint.baseUrl(), definition: entry.definition, path: entry.paths[0]!, pathOf };
  }
}

function nameOf({ controller, method }: Pick<BranchEntry, 'controller' | 'method'>): string {
  return `${controller.name}.${method}`;
}

function notTheStart(ref: BranchRef, definition: BranchDefinition): DtmConfigError {
  const { controller, method } = ref as ControllerBranchRef;
  const start = 'companionOf' in definition ? definition.companionOf : '';
  return new DtmConfigError(
    `${controller.name}.${method} is the ${definition.op} of ${start}; name the branch by ${start}`,
  );
}
