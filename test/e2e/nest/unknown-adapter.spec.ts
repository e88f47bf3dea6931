import type { IncomingHttpHeaders } from 'node:http';
import { BadRequestException, Controller } from '@nestjs/common';
import { BranchPayload, DtmFailureError, SagaBranch, TccAction } from 'nestjs-dtm';
import { SUCCESS_BODY } from 'nestjs-dtm/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeAdapter } from '../../support/node-adapter/node-adapter.js';
import type { NodeRequest, NodeResponse } from '../../support/node-adapter/node-messages.js';
import type { Middleware } from '../../support/node-adapter/node-router.js';
import { callBranch, closeApps, send, startApp, type App } from './app.js';

/** Request and response of a framework that shows nothing of Node. */
class OwnRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: Record<string, unknown>;
  body: unknown;

  constructor({ method, originalUrl, headers, query, body }: NodeRequest) {
    this.method = method!;
    this.url = originalUrl;
    this.headers = headers;
    this.query = query;
    this.body = body;
  }
}

class OwnResponse {
  readonly #response: NodeResponse;

  constructor(response: NodeResponse) {
    this.#response = response;
  }

  static nodeResponseOf(response: OwnResponse): NodeResponse {
    return response.#response;
  }
}

/** An adapter of a kind that this package has never seen. */
class OwnAdapter extends NodeAdapter {
  override getType(): string {
    return 'own';
  }

  override all(...args: unknown[]): unknown {
    const [path, handler] = args as [string, Middleware];
    const wrapped = (request: NodeRequest, response: NodeResponse, next: unknown): unknown =>
      Reflect.apply(handler, undefined, [new OwnRequest(request), new OwnResponse(response), next]);
    return super.all(path, wrapped) as unknown;
  }

  override getRequestUrl(request: NodeRequest | OwnRequest): string {
    return request instanceof OwnRequest ? request.url : super.getRequestUrl(request);
  }

  override status(response: NodeResponse, statusCode: number): NodeResponse {
    return super.status(unwrap(response), statusCode);
  }

  override reply(response: NodeResponse, body: unknown, statusCode?: number): void {
    super.reply(unwrap(response), body, statusCode);
  }

  override setHeader(response: NodeResponse, name: string, value: string): void {
    super.setHeader(unwrap(response), name, value);
  }

  override isHeadersSent(response: NodeResponse): boolean {
    return super.isHeadersSent(unwrap(response));
  }
}

function unwrap(response: NodeResponse | OwnResponse): NodeResponse {
  return response instanceof OwnResponse ? OwnResponse.nodeResponseOf(response) : response;
}

const seen: unknown[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoPay' })
  pay(@BranchPayload() payload: unknown): void {
    seen.push(payload);
    if (payload === 13) throw new DtmFailureError('no');
  }
  undoPay(@BranchPayload() payload: unknown): void {
    throw new BadRequestException(`never ${JSON.stringify(payload)}`);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  freeze(@BranchPayload() amount: unknown): unknown {
    return { amount };
  }
  confirm(): void {}
  cancel(): void {}
}

let app: App;

beforeEach(async () => {
  seen.length = 0;
  app = await startApp({ adapter: new OwnAdapter(), controllers: [BankController] });
});
afterEach(closeApps);

test.each([[{ a: 1 }], [[1]], [null], [30], ['x']])('the payload %j arrives', async (payload) => {
  expect(await callBranch(`${app.url}/bank/pay`, { payload })).toMatchObject({ status: 200, body: SUCCESS_BODY });
  expect(seen).toEqual([payload]);
});

test('GET has no payload', async () => {
  expect((await callBranch(`${app.url}/bank/pay`)).status).toBe(200);
  expect(seen).toEqual([undefined]);
});

test('results and errors reach dtm in its form', async () => {
  const result = await callBranch(`${app.url}/bank/freeze`, { transType: 'tcc', op: 'try', payload: 1 });
  expect(result).toMatchObject({ status: 200, body: '{"amount":1}' });
  expect((await callBranch(`${app.url}/bank/pay`, { payload: 13 })).status).toBe(409);
  expect((await callBranch(`${app.url}/bank/undoPay`, { op: 'compensate', payload: 1 })).status).toBe(409);
});

test('other calls are rejected before the method', async () => {
  expect((await send(`${app.url}/bank/pay`, { payload: 1 })).status).toBe(400);
  expect((await callBranch(`${app.url}/bank/pay`, { op: 'compensate' })).status).toBe(400);
  expect((await callBranch(`${app.url}/bank/pay`, { method: 'PUT', payload: {} })).status).toBe(405);
  expect(seen).toEqual([]);
});
