import type { Type } from '@nestjs/common';
import {
  CUSTOM_ROUTE_ARGS_METADATA,
  PARAMTYPES_METADATA,
  RESPONSE_PASSTHROUGH_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';

// The parameters of a route method, as Nest's parameter decorators record them: `<type>:<index>` on the class, and
// `<id>__customRouteArgs__:<index>` for decorators made by createParamDecorator.

type RouteArguments = Record<
  string,
  { readonly index: number; readonly data?: unknown; readonly pipes?: readonly unknown[] }
>;

/**
 * Keys of the two arguments after the declared ones. Nest reads only the number before the colon; Nest's own keys have
 * the index after it. Over gRPC, Nest uses the number of HEADERS for the metadata of the call.
 */
const CALL_ARGUMENTS = [`${RouteParamtypes.REQUEST}:nestjs-dtm`, `${RouteParamtypes.HEADERS}:nestjs-dtm`] as const;

/** How many arguments {@link addCallArguments} adds. */
export const CALL_ARGUMENT_COUNT = CALL_ARGUMENTS.length;

/**
 * Makes Nest pass the request and the headers behind the method's own arguments; over gRPC these are null and the metadata
 * of the call. Idempotent.
 */
export function addCallArguments(controller: Type, method: string): void {
  const args = { ...readRouteArguments(controller, method) };
  for (const key of CALL_ARGUMENTS) delete args[key];
  const next = Math.max(0, ...Object.values(args).map(({ index }) => index + 1));
  for (const [offset, key] of CALL_ARGUMENTS.entries()) {
    args[key] = { index: next + offset, data: undefined, pipes: [] };
  }
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, args, controller, method);
}

/**
 * Makes pipes see no class for a parameter. The compiler's metadata of a method is there before its parameter decorators run.
 *
 * @param prototype - of the class with the method
 */
export function hideParameterClass(prototype: object, method: string | symbol, index: number): void {
  const types = Reflect.getMetadata(PARAMTYPES_METADATA, prototype, method) as readonly unknown[] | undefined;
  // some compilers write no such metadata
  if (types) Reflect.defineMetadata(PARAMTYPES_METADATA, types.with(index, Object), prototype, method);
}

/** Index of the parameter with `@Body()`; undefined when no parameter has it. */
export function findBodyIndex(controller: Type, method: string): number | undefined {
  return findParameter(controller, method, RouteParamtypes.BODY);
}

/** Index of the first of `count` parameters that has no decorator; Nest would pass undefined for it. */
export function findBareParameter(controller: Type, method: string, count: number): number | undefined {
  const known = new Set(Object.keys(readRouteArguments(controller, method)).map(indexOf));
  return Array.from({ length: count }, (_, index) => index).find((index) => !known.has(index));
}

/** Whether the method sends the response itself, by `@Next()`, or by `@Res()` without `passthrough`. */
export function sendsResponseItself(controller: Type, method: string): boolean {
  const parameter =
    findParameter(controller, method, RouteParamtypes.RESPONSE) ??
    findParameter(controller, method, RouteParamtypes.NEXT);
  return parameter !== undefined && Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, controller, method) !== true;
}

function readRouteArguments(controller: Type, method: string): RouteArguments {
  return (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as RouteArguments;
}

function findParameter(controller: Type, method: string, type: RouteParamtypes): number | undefined {
  const key = Object.keys(readRouteArguments(controller, method)).find(
    (candidate) => !candidate.includes(CUSTOM_ROUTE_ARGS_METADATA) && candidate.startsWith(`${type}:`),
  );
  return key === undefined ? undefined : indexOf(key);
}

function indexOf(key: string): number {
  return Number(key.slice(key.lastIndexOf(':') + 1));
}
