import { Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { DtmConfigError } from '../../../protocol/internal.js';
import { checkBranchMethod } from './branch-checks.js';
import { completeBranchMethod } from '../serve/branch-method.js';
import { findBranchDefinition, type BranchDefinition } from '../definition/branch-definition.js';
import { branchPaths } from './branch-paths.js';
import { BranchRegistry } from './branch.registry.js';
import { DtmSettings } from '../../options/dtm.options.js';

/** Finds the decorated methods of the application, refuses those that could not work, and registers the rest. */
@Injectable()
export class BranchExplorer {
  #explored = false;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
    private readonly registry: BranchRegistry,
    private readonly settings: DtmSettings,
  ) {}

  /** Gives branch methods what can only be given when all their decorators have done their work. Idempotent. */
  complete(): void {
    for (const wrapper of this.discovery.getControllers()) {
      for (const [method] of this.#branchesOf(prototypeOf(wrapper))) {
        completeBranchMethod(wrapper.metatype as Type, method);
      }
    }
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
    this.#refuseProviders(new Set(controllers.map(prototypeOf)));
    for (const wrapper of controllers) this.#register(wrapper);
  }

  #register(wrapper: InstanceWrapper): void {
    const controller = wrapper.metatype as Type;
    for (const [method, definition] of this.#branchesOf(prototypeOf(wrapper))) {
      checkBranchMethod(controller, method, definition);
      if (definition.transType === 'xa')
        this.settings.databases.xa(definition.database, `${controller.name}.${method}`);
      const paths = branchPaths(controller, method, wrapper.host?.metatype, this.config, this.modules.applicationId);
      this.registry.add({ controller, method, definition, paths });
    }
  }

  /** A decorated method that Nest makes no route of would never be called, and nobody would notice. */
  #refuseProviders(controllers: ReadonlySet<unknown>): void {
    for (const wrapper of this.discovery.getProviders()) {
      const prototype = prototypeOf(wrapper);
      const [branch] = this.#branchesOf(prototype);
      if (!branch || controllers.has(prototype)) continue;
      const name = prototype?.constructor.name;
      throw new DtmConfigError(
        `${name}.${branch[0]} is a branch, but ${name} is a provider; branches are routes, so make it a @Controller and list it in "controllers"`,
      );
    }
  }

  #branchesOf(prototype: object | null): (readonly [string, BranchDefinition])[] {
    if (!prototype) return [];
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const definition = findBranchDefinition((prototype as Record<string, unknown>)[name]);
      return definition ? [[name, definition] as const] : [];
    });
  }
}

/** Prototype of a class, or of what a factory made: the factory is not its class. */
function prototypeOf({ isNotMetatype, metatype, instance }: InstanceWrapper): object | null {
  if (!isNotMetatype) return (metatype?.prototype as object | undefined) ?? null;
  const made: unknown = instance;
  return typeof made === 'object' && made !== null ? (Object.getPrototypeOf(made) as object | null) : null;
}
