import type { Type } from '@nestjs/common';
import { DtmConfigError } from '../../../protocol/internal.js';
import { processWide } from '../../../support/process-wide.js';
import { listEnhancers } from '../../undocumented/route-metadata.js';

const applied = processWide('routeDecorators', () => new WeakMap<object, WeakSet<MethodDecorator>>());

/**
 * Decorates a branch method with the decorators of the option `routeDecorators`. They can only set metadata: Nest has collected the
 * guards, pipes and interceptors of the application before its options are known. Idempotent.
 *
 * @throws DtmConfigError when a decorator does anything else
 */
export function applyRouteDecorators(controller: Type, method: string, decorators: readonly MethodDecorator[]): void {
  const prototype = controller.prototype as Record<string, object>;
  const handler = prototype[method]!;
  const known = applied.get(handler) ?? new WeakSet();
  applied.set(handler, known);
  for (const decorate of decorators) {
    if (known.has(decorate)) continue;
    const enhancers = listEnhancers(handler).length;
    const descriptor = { value: handler, writable: true, enumerable: false, configurable: true };
    const { value } = decorate(prototype, method, descriptor) ?? descriptor;
    if (value !== handler || listEnhancers(handler).length !== enhancers) {
      throw new DtmConfigError(
        `DtmModule: a decorator in routeDecorators does more than set metadata on ${controller.name}.${method}; put guards, pipes, ` +
          'interceptors and decorators that replace the method on the controller, or make them global',
      );
    }
    known.add(decorate);
  }
}
