import type { Type } from '@nestjs/common';

// What the decorators of @nestjs/swagger leave on a method: @ApiExcludeEndpoint(), @ApiExtension(), @ApiTags() and @ApiQuery(). The
// package need not be installed.
const EXCLUDED = 'swagger/apiExcludeEndpoint';
const EXTENSION = 'swagger/apiExtension';
const TAGS = 'swagger/apiUseTags';
const PARAMETERS = 'swagger/apiParameters';

/** Marks the exclusion by {@link describeRoute}, in contrast to one by the application. */
const HIDDEN = Object.freeze({ disable: true });

/** How the document shows a route. */
export interface RouteDescription {
  /** Whether it is shown. An `@ApiExcludeEndpoint()` on the method takes precedence. */
  readonly isShown: boolean;
  /** Tag of a method and a class without tags. */
  readonly tag: string;
  /** Names of required parameters of the query. */
  readonly query: readonly string[];
}

/**
 * Describes a route for all HTTP methods. Swagger lists such a route once for each HTTP method; what `@ApiExtension()` sets overwrites the
 * method of all these entries, and so leaves one. Idempotent.
 */
export function describeRoute(controller: Type, method: string, { isShown, tag, query }: RouteDescription): void {
  const handler = (controller.prototype as Record<string, object>)[method]!;
  const excluded: unknown = Reflect.getMetadata(EXCLUDED, handler);
  if (excluded === undefined || excluded === HIDDEN) {
    if (isShown) Reflect.deleteMetadata(EXCLUDED, handler);
    else Reflect.defineMetadata(EXCLUDED, HIDDEN, handler);
  }
  const extension = Reflect.getMetadata(EXTENSION, handler) as object | undefined;
  const operationId = `${controller.name}_${method}`;
  Reflect.defineMetadata(EXTENSION, { ...extension, method: 'post', operationId }, handler);
  if (!Reflect.hasMetadata(TAGS, handler) && !Reflect.hasMetadata(TAGS, controller)) {
    Reflect.defineMetadata(TAGS, [tag], handler);
  }
  const parameters = (Reflect.getMetadata(PARAMETERS, handler) ?? []) as readonly { readonly name?: unknown }[];
  const missing = query.filter((name) => !parameters.some((parameter) => parameter.name === name));
  const added = missing.map((name) => ({ name, in: 'query', required: true, type: String }));
  Reflect.defineMetadata(PARAMETERS, [...parameters, ...added], handler);
}
