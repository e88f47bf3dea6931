import { Injectable, HttpException } from '@nestjs/common';
import { shareClass } from '../../../support/share-class.js';

/** A call that was rejected before its handler. It is no outcome of the branch, so that dtm calls again. */
@shareClass('RejectedCallException', Injectable)
export class RejectedCallException extends HttpException {
  /**
   * @param status - HTTP status; dtm takes 200, 409 and 425 for outcomes
   * @param message - what is wrong and what is expected
   */
  constructor(status: 400 | 405 | 415 | 503, message: string, options?: { readonly cause?: unknown }) {
    super({ message }, status, options);
    this.message = message;
  }
}
