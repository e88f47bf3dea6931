import { request } from 'undici';

/** No answer arrived: the outcome of the request is unknown. */
export class NoAnswer extends Error {}

/** Body of a request about a transaction. */
export interface RequestBody {
  readonly gid: string;
  readonly [field: string]: unknown;
}

/** Client of the HTTP API of a coordinator, like SDKs in other languages: no retries. */
export class CoordinatorClient {
  /** Transactions that the coordinator has accepted, in any state. */
  readonly accepted = new Set<string>();
  readonly #base: string;

  /** @param origin - origin of the coordinator */
  constructor(origin: string) {
    this.#base = `${origin}/api/dtmsvr`;
  }

  /**
   * Requests an operation.
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
   * Requests an operation and expects success, or a refusal in the current state.
   *
   * @returns true when accepted, false when refused
   * @throws Error for any other answer
   */
  async isAccepted(operation: string, body: RequestBody): Promise<boolean> {
    const { status, body: text } = await this.ask(operation, body);
    if (status !== 200 && status !== 409) throw new Error(`${operation}: ${status} ${JSON.stringify(text)}`);
    return status === 200;
  }
}
