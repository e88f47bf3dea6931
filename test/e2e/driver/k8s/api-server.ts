import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createAuthority } from '../../../support/certificates.js';
import { tempFolder } from '../../../support/temp-folder.js';

/** Addresses and ports of a service. */
export type Subset = readonly [ips: readonly string[], port: number];

/** A request to the API server. */
export interface Asked {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly token: string | undefined;
}

/**
 * Imitates the API server of Kubernetes for endpoints, as its documentation describes it, because no real one can be installed for
 * the tests. It requires TLS and the current token.
 */
export class ApiServer {
  readonly asked: Asked[] = [];
  readonly accountFolder = tempFolder();
  /** Answers to send instead of endpoints, each once. */
  readonly refusals: { readonly of: 'list' | 'watch'; readonly status: number; readonly message: string }[] = [];
  readonly #watches = new Map<ServerResponse, string>();
  readonly #endpoints = new Map<string, object>();
  #server: Server;
  #port = 0;
  #version = 1000;
  #token = '';

  private constructor() {
    const authority = createAuthority();
    this.#write('ca.crt', authority.ca);
    this.#write('namespace', 'own\n');
    this.rotate('token-1');
    this.#server = createServer(authority.sign('IP:127.0.0.1'), (request, response) => this.#answer(request, response));
  }

  /** Starts a server that ends with the test. */
  static async start(): Promise<ApiServer> {
    const server = new ApiServer();
    await server.listen();
    onTestFinished(() => server.stop());
    return server;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get watching(): number {
    return this.#watches.size;
  }

  /** Rotates the token. */
  rotate(token: string): void {
    this.#token = token;
    this.#write('token', `${token}\n`);
  }

  /** Sets the endpoints of a service, and notifies its watches. */
  set(name: string, ...subsets: readonly Subset[]): void {
    const type = this.#endpoints.has(name) ? 'MODIFIED' : 'ADDED';
    const object = {
      kind: 'Endpoints',
      apiVersion: 'v1',
      metadata: { name: name.split('/')[1], resourceVersion: String(++this.#version) },
      subsets: subsets.map(([ips, port]) => ({
        addresses: ips.map((ip) => ({ ip })),
        notReadyAddresses: [{ ip: '10.9.9.9' }],
        ports: [
          { name: 'grpc', port, protocol: 'TCP' },
          { name: 'http', port: 1, protocol: 'TCP' },
        ],
      })),
    };
    this.#endpoints.set(name, object);
    this.tell(name, { type, object });
  }

  /** Deletes a service. */
  delete(name: string): void {
    const object = this.#endpoints.get(name);
    this.#endpoints.delete(name);
    this.tell(name, { type: 'DELETED', object });
  }

  /** Sends an event to the watches of a service, in chunks. */
  tell(name: string, event: object): void {
    const text = `${JSON.stringify(event)}\n`;
    for (const [watch, watched] of this.#watches) {
      if (watched !== name) continue;
      watch.write(text.slice(0, 17));
      watch.write(text.slice(17));
    }
  }

  /** Drops the history of changes. */
  compact(name: string): void {
    const object = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 };
    this.tell(name, { type: 'ERROR', object });
  }

  /** Ends all watches, as after `timeoutSeconds`. */
  endWatches(): void {
    for (const watch of this.#watches.keys()) watch.end();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url!, this.url);
    const query = Object.fromEntries(searchParams);
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    this.asked.push({ path: pathname, query, token });
    const [, namespace] = /^\/api\/v1\/namespaces\/([^/]+)\/endpoints$/.exec(pathname) ?? [];
    const name = `${namespace}/${query['fieldSelector']?.replace('metadata.name=', '')}`;
    const of = query['watch'] === '1' ? 'watch' : 'list';
    const next = this.refusals.findIndex((refusal) => refusal.of === of);
    const [refusal] = next < 0 ? [] : this.refusals.splice(next, 1);
    if (token !== this.#token) return status(response, 401, 'Unauthorized');
    if (refusal) return status(response, refusal.status, refusal.message);
    response.setHeader('content-type', 'application/json');
    if (of === 'watch') {
      expect(Number(query['resourceVersion'])).toBeGreaterThan(0);
      this.#watches.set(response, name);
      response.on('close', () => this.#watches.delete(response));
      response.flushHeaders();
      return;
    }
    const item = this.#endpoints.get(name);
    const metadata = { resourceVersion: String(this.#version) };
    response.end(JSON.stringify({ kind: 'EndpointsList', apiVersion: 'v1', metadata, items: item ? [item] : [] }));
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.accountFolder, file), text);
  }
}

function status(response: ServerResponse, code: number, message: string): void {
  response.statusCode = code;
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', message, code }));
}
