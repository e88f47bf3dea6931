import type { Dispatcher } from 'undici';
import { AnswerBody } from './answer-body.js';
import { findRedirect, type Redirect } from './redirect.js';

type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Longest time of a timer in Node; a longer one fires at once. */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** An answer, and the redirect in it. */
export interface ExchangeResult {
  readonly status: number;
  /** Body as text. */
  readonly body: string;
  readonly redirect: Redirect | undefined;
}

/** How an {@link Exchange} ends. */
interface Ending {
  resolve(result: ExchangeResult): void;
  reject(error: unknown): void;
}

/**
 * Collects one answer within its time-out. It is a handler of the dispatcher, because the promises and abort signals of
 * undici cost as much as the request itself.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #url: URL;
  readonly #ending: Ending;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #timeout: Error | undefined;
  #redirect: Redirect | undefined;
  #status = 0;
  #body = new AnswerBody();

  /**
   * @param timeoutMs - time-out of the whole request, for the message
   * @param restMs - what is left of it
   */
  constructor(url: URL, timeoutMs: number, restMs: number, ending: Ending) {
    this.#url = url;
    this.#ending = ending;
    this.#timer = setTimeout(() => this.#timeOut(timeoutMs), Math.min(restMs, MAX_TIMEOUT_MS));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
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
    this.#ending.resolve({ status: this.#status, body: this.#body.toString(), redirect: this.#redirect });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#timer);
    this.#ending.reject(this.#timeout ?? error);
  }

  #timeOut(timeoutMs: number): void {
    const seconds = timeoutMs / 1000;
    const reason = this.#controller ? `time-out after ${seconds} s` : `no free connection within ${seconds} s`;
    this.#timeout = new Error(reason);
    this.#controller?.abort(this.#timeout);
    // a request that waits for a connection is aborted when it gets one
    this.#ending.reject(this.#timeout);
  }
}
