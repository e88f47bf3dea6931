import { createParamDecorator, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import { DtmConfigError } from '../../../protocol/internal.js';
import { hideParameterClass } from '../../undocumented/route-arguments.js';

/**
 * Creates a parameter decorator whose value no pipe of the application can read, copy or change. A ValidationPipe with
 * `validateCustomDecorators`, for example, would create a new object of the class of the parameter.
 *
 * The pipes get a function and no class. Pipes of a parameter run last: that of the decorator takes the value out again.
 *
 * @param name - of the decorator, for messages
 * @param read - gives the value
 */
export function createSealedParameter(
  name: string,
  read: (execution: ExecutionContext) => unknown,
): () => ParameterDecorator {
  const decorate = createParamDecorator((_data: unknown, execution: ExecutionContext) => {
    const value = read(execution);
    return () => value;
  });
  const unseal: PipeTransform<unknown> = {
    transform(sealed) {
      if (typeof sealed === 'function') return (sealed as () => unknown)();
      throw new DtmConfigError(
        `a pipe has replaced what ${name} injects; let the pipe return values of the type "custom" unchanged`,
      );
    },
  };
  return () => (target, method, index) => {
    decorate(unseal)(target, method, index);
    if (method !== undefined) hideParameterClass(target, method, index);
  };
}
