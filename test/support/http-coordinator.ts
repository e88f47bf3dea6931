import type { EmbeddedServerOptions } from 'nestjs-dtm/server';
import { get, post, type RawAnswer } from './http-client.js';
import { startCoordinator, type CoordinatorBed } from './coordinator.js';

/** A coordinator that listens, and the shortest way to ask it. */
export interface HttpCoordinator extends CoordinatorBed {
  /** `http://127.0.0.1:<port>/api/dtmsvr` */
  readonly base: string;
  post(operation: string, body: unknown): Promise<RawAnswer>;
  get(operation: string): Promise<RawAnswer>;
  /** Status and body text of an answer to POST. */
  answer(operation: string, body: unknown): Promise<string>;
}

/** Starts one on a free port; ends with the test. */
export async function startHttpCoordinator(options: EmbeddedServerOptions = {}): Promise<HttpCoordinator> {
  const bed = await startCoordinator({ listen: { port: 0 }, ...options } as Parameters<typeof startCoordinator>[0]);
  const base = bed.server.address!;
  return {
    ...bed,
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

/** The answer that refuses. */
export function refusal(message: string): string {
  return `409 ${JSON.stringify({ dtm_result: 'FAILURE', message: `${message} FAILURE` })}`;
}

/** The answer to what is wrong. */
export function failure(message: string): string {
  return `500 ${JSON.stringify({ message })}`;
}
