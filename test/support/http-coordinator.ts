import type { EmbeddedServerOptions } from 'nestjs-dtm/server';
import { get, post, type RawAnswer } from './http-client.js';
import { startCoordinator, type CoordinatorFixture } from './coordinator.js';

/** A coordinator that listens on HTTP, with functions for short requests. */
export interface HttpCoordinator extends CoordinatorFixture {
  /** `http://127.0.0.1:<port>/api/dtmsvr` */
  readonly base: string;
  post(operation: string, body: unknown): Promise<RawAnswer>;
  get(operation: string): Promise<RawAnswer>;
  /** Status and body of the answer to a POST. */
  answer(operation: string, body: unknown): Promise<string>;
}

/** Starts a coordinator on a free port; closes it after the test. */
export async function startHttpCoordinator(options: EmbeddedServerOptions = {}): Promise<HttpCoordinator> {
  const fixture = await startCoordinator({ listen: { port: 0 }, ...options } as Parameters<typeof startCoordinator>[0]);
  const base = fixture.server.address!;
  return {
    ...fixture,
    base,
    post: (operation, body) => post(`${base}/${operation}`, body),
    get: (operation) => get(`${base}/${operation}`),
    async answer(operation, body) {
      const { status, body: text } = await post(`${base}/${operation}`, body);
      return `${status} ${text}`;
    },
  };
}

export const SUCCESS_ANSWER = '200 {"dtm_result":"SUCCESS"}';

/** Answer of a refused request. */
export function refusal(message: string): string {
  return `409 ${JSON.stringify({ dtm_result: 'FAILURE', message: `${message} FAILURE` })}`;
}

/** Answer of a failed request. */
export function failure(message: string): string {
  return `500 ${JSON.stringify({ message })}`;
}
