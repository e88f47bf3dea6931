import { Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { DtmConfigError } from '../../../protocol/internal.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import { findPrototype, type DiscoveredClass } from '../../undocumented/discovered-class.js';
import { applicationIdOf } from '../../undocumented/modules-container.js';
import { describeRoute } from '../../undocumented/swagger-metadata.js';
import { findBranchDefinition, isQueryBack, type BranchDefinition } from '../definition/branch-definition.js';
import { applyRouteDecorators } from './apply-route-decorators.js';
import { assertBranchMethod } from './branch-checks.js';
import { findBranchPaths } from './branch-paths.js';
import { BranchRegistry } from './branch.registry.js';
import { completeBranchMethod } from './complete-branch-method.js';
import { InProcessBranches } from './in-process-branches.js';

/** Finds the branch methods of the application, checks them and registers them. */
@Injectable()
export class BranchExplorer {
  #explored = false;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
    private readonly registry: BranchRegistry,
    private readonly inProcess: InProcessBranches,
    private readonly settings: DtmSettings,
  ) {
    // microservices read the methods before any hook
    this.#complete();
  }

  /**
   * Fills the registry; a second call does nothing.
   *
   * @throws DtmConfigError naming class, method and remedy
   */
  explore(): void {
    if (this.#explored) return;
    this.#explored = true;
    const controllers = this.discovery.getControllers();
    this.#assertNoProviders(new Set(controllers.map(findPrototype)));
    for (const controller of controllers) this.#register(controller);
    this.registry.complete();
  }

  #complete(): void {
    for (const controller of this.discovery.getControllers()) {
      for (const [method, definition] of this.#listDefinitions(findPrototype(controller))) {
        const type = controller.metatype as Type;
        if (this.#isServed(definition)) {
          applyRouteDecorators(type, method, this.settings.routeDecorators);
          completeBranchMethod(type, method);
        }
        // also of one that is not served: a document may be created before Nest registers routes
        describeRoute(type, method, {
          isShown: this.settings.swagger && !isQueryBack(definition),
          tag: 'branches',
          query: ['gid', 'trans_type', 'branch_id', 'op'],
        });
      }
    }
  }

  #register(wrapper: DiscoveredClass): void {
    const controller = wrapper.metatype as Type;
    for (const [method, definition] of this.#listBranches(findPrototype(wrapper))) {
      assertBranchMethod(controller, method, definition);
      if (definition.transType === 'xa') {
        this.settings.databases.getXa(definition.database, `${controller.name}.${method}`);
      }
      if ('companionOf' in definition && definition.barrier !== undefined) {
        this.settings.databases.getBarrier(definition.barrier, `${controller.name}.${method} needs the barrier`);
      }
      const { paths, name } = findBranchPaths({
        controller,
        method,
        module: wrapper.host?.metatype,
        config: this.config,
        applicationId: applicationIdOf(this.modules),
      });
      this.registry.add({ controller, method, definition, paths, name });
      this.inProcess.add(name, wrapper, method);
    }
  }

  /** Nest creates no route for a decorated method of a provider: dtm's calls would get 404. */
  #assertNoProviders(controllers: ReadonlySet<object | undefined>): void {
    for (const provider of this.discovery.getProviders()) {
      const prototype = findPrototype(provider);
      const [branch] = this.#listBranches(prototype);
      if (!branch || controllers.has(prototype)) continue;
      const name = prototype?.constructor.name;
      throw new DtmConfigError(
        `${name}.${branch[0]} is a branch, but ${name} is a provider; make it a @Controller and list it in "controllers"`,
      );
    }
  }

  /** Without a barrier there is nothing that a query-back could read. */
  #isServed(definition: BranchDefinition): boolean {
    return !isQueryBack(definition) || this.settings.databases.barrierCount > 0;
  }

  #listBranches(prototype: object | undefined): (readonly [string, BranchDefinition])[] {
    return this.#listDefinitions(prototype).filter(([, definition]) => this.#isServed(definition));
  }

  #listDefinitions(prototype: object | undefined): (readonly [string, BranchDefinition])[] {
    if (!prototype) return [];
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const definition = findBranchDefinition((prototype as Record<string, unknown>)[name]);
      return definition ? [[name, definition] as const] : [];
    });
  }
}
