import { RequestMethod } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  METHOD_METADATA,
  PIPES_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';

// The metadata that Nest's decorators leave on a route method. Nest documents the decorators, not the keys.

/** Whether the method has a route decorator such as `@Post()`. */
export function hasRoute(handler: object): boolean {
  return Reflect.hasMetadata(METHOD_METADATA, handler);
}

/** Whether the route of the method answers every HTTP method: `@All()`, or `RequestMapping` with `RequestMethod.ALL`. */
export function hasRouteForAllMethods(handler: object): boolean {
  return Reflect.getMetadata(METHOD_METADATA, handler) === RequestMethod.ALL;
}

/** Whether a decorator changes how Nest writes the response of the method: `@Redirect()`, `@Render()` or `@Sse()`. */
export function hasResponseDecorator(handler: object): boolean {
  return [REDIRECT_METADATA, RENDER_METADATA, SSE_METADATA].some((key) => Reflect.hasMetadata(key, handler));
}

/** The filters of `@UseFilters()` on the method. */
export function listExceptionFilters(handler: object): readonly unknown[] {
  return (Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, handler) ?? []) as readonly unknown[];
}

/** The guards of `@UseGuards()` on a method or controller. */
export function listGuards(target: object): readonly unknown[] {
  return (Reflect.getMetadata(GUARDS_METADATA, target) ?? []) as readonly unknown[];
}

/** The guards, interceptors, pipes and filters on the method. */
export function listEnhancers(handler: object): readonly unknown[] {
  return [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA].flatMap(
    (key) => (Reflect.getMetadata(key, handler) ?? []) as readonly unknown[],
  );
}

/** Makes a guard the last one of the method, wherever its `@UseGuards()` stands. Idempotent. */
export function moveGuardToEnd(handler: object, guard: unknown): void {
  const guards = listGuards(handler);
  Reflect.defineMetadata(GUARDS_METADATA, [...guards.filter((other) => other !== guard), guard], handler);
}
