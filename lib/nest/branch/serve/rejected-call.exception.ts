import { HttpException } from '@nestjs/common';

/** A request that the package turned away before the handler: no outcome of the branch, so dtm asks again. */
export class RejectedCallException extends HttpException {
  /**
   * @param status - HTTP status, neither 200 nor 409 nor 425
   * @param message - what is wrong and what is expected
   */
  constructor(status: 400 | 405 | 415 | 503, message: string, options?: { readonly cause?: unknown }) {
    super({ message }, status, options);
    this.message = message;
  }
}
