import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { ForwardedHeaders } from './options/forwarded-headers.js';
import { findGrpcArguments } from './undocumented/grpc-arguments.js';

/** Remembers the headers of each request over HTTP and gRPC while its handler runs. */
export class ForwardHeadersInterceptor implements NestInterceptor {
  readonly #headers: ForwardedHeaders;

  constructor(headers: ForwardedHeaders) {
    this.#headers = headers;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const received = headersOf(context);
    if (!received) return next.handle();
    // the handler runs when its result is subscribed to
    return new Observable((subscriber) =>
      this.#headers.run(
        (name) => received[name],
        () => next.handle().subscribe(subscriber),
      ),
    );
  }
}

/** Headers or metadata by name in lower case. */
function headersOf(context: ExecutionContext): Readonly<Record<string, unknown>> | undefined {
  if (context.getType() === 'http') {
    return context.getArgByIndex<{ readonly headers: Readonly<Record<string, unknown>> }>(0).headers;
  }
  return findGrpcArguments(context)?.[1].getMap();
}
