import { request } from 'undici';

/** No answer came: what was asked may have been done or not. */
export class NoAnswer extends Error {}

/** Any request about a transaction. */
export interface RequestBody {
  readonly gid: string;
  readonly [field: string]: unknown;
}

/** The HTTP API of a coordinator, as SDKs of other languages use it: nothing is tried again. */
export class CoordinatorClient {
  /** Transactions that it has accepted, in whatever state. */
  readonly accepted = new Set<string>();
  readonly #base: string;

  /** @param origin - of the coordinator */
  constructor(origin: string) {
    this.#base = `${origin}/api/dtmsvr`;
  }

  /**
   * Asks for an operation.
   *
   * @returns status and parsed body
   * @throws NoAnswer
   */
  async ask(operation: string, body: RequestBody): Promise<{ status: number; body: unknown }> {
    try {
      const answer = await request(`${this.#base}/${operation}`, { method: 'POST', body: JSON.stringify(body) });
      if (answer.statusCode === 200) this.accepted.add(body.gid);
      return { status: answer.statusCode, body: await answer.body.json() };
    } catch (cause) {
      throw new NoAnswer(`${operation}: ${String(cause)}`, { cause });
    }
  }

  /**
   * {@link ask}, of which success is expected.
   *
   * @returns whether it was accepted; not when it was refused in the present state
   * @throws Error when the answer is another one
   */
  async isAccepted(operation: string, body: RequestBody): Promise<boolean> {
    const { status, body: text } = await this.ask(operation, body);
    if (status !== 200 && status !== 409) throw new Error(`${operation}: ${status} ${JSON.stringify(text)}`);
    return status === 200;
  }
}
