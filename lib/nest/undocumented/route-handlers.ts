import { RequestMethod, type HttpServer } from '@nestjs/common';
import { ContextIdFactory, type ApplicationConfig, type ModuleRef, type ModulesContainer } from '@nestjs/core';
import { GuardsConsumer, GuardsContextCreator } from '@nestjs/core/guards/index.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants.js';
import type { NestContainer } from '@nestjs/core/injector/container.js';
import { InterceptorsConsumer, InterceptorsContextCreator } from '@nestjs/core/interceptors/index.js';
import { PipesConsumer, PipesContextCreator } from '@nestjs/core/pipes/index.js';
import { RouteParamsFactory } from '@nestjs/core/router/route-params-factory.js';
import { RouterExceptionFilters } from '@nestjs/core/router/router-exception-filters.js';
import { RouterExecutionContext } from '@nestjs/core/router/router-execution-context.js';
import type { DiscoveredClass } from './discovered-class.js';

/** What a route needs of an HTTP adapter to answer a request without a socket. */
export interface ReplyTarget {
  /** Takes the answer of the route. */
  reply(response: object, body: unknown, status?: number): unknown;
  status(response: object, status: number): unknown;
  setHeader(response: object, name: string, value: string): unknown;
  isHeadersSent(response: object): boolean;
}

/** Runs a route: guards, interceptors, pipes, method and filters. The answer is in the response afterwards. */
export type RouteHandler = (request: object, response: object) => Promise<void>;

type Method = (...args: unknown[]) => Promise<void>;

type Instance = Record<string, Method>;

const NEXT = (): void => undefined;

/**
 * Creates the functions that Nest's router creates for routes, with the same classes, and without an HTTP server. They also
 * work in an application context and in a microservice.
 */
export class RouteHandlers {
  readonly #modules: ModulesContainer;
  readonly #moduleRef: ModuleRef;
  readonly #execution: RouterExecutionContext;
  readonly #filters: RouterExceptionFilters;

  /**
   * @param modules - the modules of the application
   * @param config - its global guards, interceptors, pipes and filters
   * @param moduleRef - of any module
   * @param target - takes the answers
   */
  constructor(modules: ModulesContainer, config: ApplicationConfig, moduleRef: ModuleRef, target: ReplyTarget) {
    this.#modules = modules;
    this.#moduleRef = moduleRef;
    // the creators only look up modules
    const container = { getModules: () => modules } as NestContainer;
    const adapter = target as unknown as HttpServer;
    this.#execution = new RouterExecutionContext(
      new RouteParamsFactory(config),
      new PipesContextCreator(container, config),
      new PipesConsumer(),
      new GuardsContextCreator(container, config),
      new GuardsConsumer(),
      new InterceptorsContextCreator(container, config),
      new InterceptorsConsumer(),
      adapter,
    );
    this.#filters = new RouterExceptionFilters(container, config, adapter);
  }

  /**
   * Creates the function of a route. Call it when the application has all its global guards, as late as possible.
   *
   * @param controller - class with the route
   * @param method - name of its method
   */
  create(controller: DiscoveredClass, method: string): RouteHandler {
    if (controller.isDependencyTreeStatic()) {
      return this.#create(controller, controller.instance as Instance, method, STATIC_CONTEXT);
    }
    return async (request, response) => {
      const contextId = ContextIdFactory.getByRequest(request);
      this.#moduleRef.registerRequestByContextId(request, contextId);
      const type = controller.metatype as new () => Instance;
      const instance = await this.#moduleRef.resolve<Instance>(type, contextId, { strict: false });
      await this.#create(controller, instance, method, contextId)(request, response);
    };
  }

  #create(
    controller: DiscoveredClass,
    instance: Instance,
    method: string,
    contextId: typeof STATIC_CONTEXT,
  ): RouteHandler {
    const moduleKey = this.#moduleKeyOf(controller);
    const callback = instance[method]!;
    const args = [instance, callback, method, moduleKey] as const;
    const route = this.#execution.create(...args, RequestMethod.ALL, contextId, controller.id);
    const filters = this.#filters.create(instance, callback, moduleKey, contextId, controller.id);
    return async (request, response) => {
      try {
        await route(request, response, NEXT);
      } catch (error) {
        filters.next(error as Error, new ExecutionContextHost([request, response, NEXT]));
      }
    };
  }

  #moduleKeyOf({ host }: DiscoveredClass): string {
    for (const [key, module] of this.#modules) if (module === host) return key;
    return '';
  }
}
