import type { Dispatcher } from 'undici';
import { MAX_TIMEOUT_MS } from '../max-timeout.js';
import { TimeOutError } from '../time-out.js';
import { AnswerBody } from './answer-body.js';
import { findRedirect, type Redirect } from './redirect.js';

type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** An answer, and the redirect in it. */
export interface ExchangeResult {
  readonly status: number;
  /** Body as text. */
  readonly body: string;
  readonly redirect: Redirect | undefined;
}

/** Is notified of an {@link Exchange}. */
interface ExchangeListener {
  /** The answer is complete. */
  resolve(result: ExchangeResult): void;
  /** There is no answer. */
  reject(error: unknown): void;
  /** The request is sent on a connection, or other requests have had all connections. */
  readonly onConnected?: (() => void) | undefined;
  /** The dispatcher is done with the request, possibly after the time-out. */
  onEnd(): void;
}

/**
 * Collects one answer within its time-out. It is a handler of the dispatcher, because the promises and abort signals of
 * undici cost as much as the request itself.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #url: URL;
  readonly #listener: ExchangeListener;
  readonly #timer: NodeJS.Timeout;
  #cancelWait: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #timeout: Error | undefined;
  #redirect: Redirect | undefined;
  #status = 0;
  #body = new AnswerBody();

  /**
   * @param timeoutMs - time-out of the whole request, for the message
   * @param restMs - what is left of it
   */
  constructor(url: URL, timeoutMs: number, restMs: number, listener: ExchangeListener) {
    this.#url = url;
    this.#listener = listener;
    this.#timer = setTimeout(() => this.#timeOut(timeoutMs), Math.min(restMs, MAX_TIMEOUT_MS));
  }

  /** The request waits until {@link begin}. */
  wait(cancel: () => void): void {
    this.#cancelWait = cancel;
  }

  /** Sends the request. */
  begin(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): void {
    this.#cancelWait = undefined;
    try {
      dispatcher.dispatch(options, this);
    } catch (error) {
      this.#fail(error);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#listener.onConnected?.();
    if (this.#timeout) controller.abort(this.#timeout);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    this.#redirect = findRedirect(this.#url, status, headers);
    this.#status = status;
    this.#body = new AnswerBody();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.add(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    this.#listener.onEnd();
    this.#listener.resolve({ status: this.#status, body: this.#body.toString(), redirect: this.#redirect });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #fail(error: unknown): void {
    clearTimeout(this.#timer);
    this.#listener.onEnd();
    this.#listener.reject(this.#timeout ?? error);
  }

  #timeOut(timeoutMs: number): void {
    const seconds = timeoutMs / 1000;
    const why = this.#cancelWait
      ? 'no free connection within'
      : this.#controller
        ? 'time-out after'
        : 'no connection within';
    this.#timeout = new TimeOutError(`${why} ${seconds} s`);
    if (this.#cancelWait) {
      this.#cancelWait();
      this.#listener.onConnected?.();
    }
    this.#controller?.abort(this.#timeout);
    // a request that waits for its connection is aborted when it gets one
    this.#listener.reject(this.#timeout);
  }
}
