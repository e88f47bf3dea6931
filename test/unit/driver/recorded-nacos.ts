import { Participant, type ReceivedRequest } from '../../support/participant.js';

/** Options of {@link RecordedNacos}. */
export interface RecordedNacosOptions {
  /** Versions of the API that it serves. */
  readonly apis: readonly ('v1' | 'v3')[];
  /** Status of its answers to other versions. @default 404 */
  readonly missing?: number;
  /** Whether a login is required, as `nacos` with the password `secret`. @default false */
  readonly auth?: boolean;
  /** Whether it answers 404 to a login. @default false */
  readonly withoutLogin?: boolean;
  /** Life of a token in seconds. @default 18000 */
  readonly tokenTtl?: number;
}

const V3 = '/nacos/v3/client/ns/instance';
const V1 = '/nacos/v1/ns/instance';

/**
 * Imitates Nacos: v1 as recorded from Nacos 2.2.4, v3 as its documentation and sources describe it, because no Nacos 3 can be
 * installed for tests.
 */
export class RecordedNacos {
  readonly participant: Participant;
  /** Instances of every service. */
  hosts: unknown = [];
  /** `ip:port` of registered instances. */
  readonly known = new Set<string>();
  options: RecordedNacosOptions;
  #tokens = 0;
  #valid = '';

  private constructor(participant: Participant, options: RecordedNacosOptions) {
    this.participant = participant;
    this.options = options;
  }

  static async start(options: RecordedNacosOptions): Promise<RecordedNacos> {
    const nacos = new RecordedNacos(await Participant.start(), options);
    const paths = [
      '/nacos/v1/auth/login',
      '/nacos/v3/auth/user/login',
      V1,
      `${V1}/beat`,
      `${V1}/list`,
      V3,
      `${V3}/list`,
    ];
    for (const path of paths) nacos.participant.answer(path, (request) => nacos.#answer(request));
    return nacos;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: Number(new URL(this.participant.origin).port) };
  }

  /** Method, path below `/nacos` and parameters of all requests. */
  get calls(): { call: string; parameters: Record<string, string> }[] {
    return this.participant.requests.map((request) => ({
      call: `${request.method} ${request.path.slice('/nacos'.length)}`,
      parameters: parametersOf(request),
    }));
  }

  get lines(): string[] {
    return this.calls.map(({ call }) => call);
  }

  /** Invalidates all tokens. */
  expireTokens(): void {
    this.#valid = '';
  }

  #answer(request: ReceivedRequest): { status?: number; body: string } {
    const { apis, missing = 404, auth = false, tokenTtl = 18_000 } = this.options;
    const api = request.path.startsWith('/nacos/v3') ? 'v3' : 'v1';
    if (!apis.includes(api)) return { status: missing, body: 'no such api' };
    const parameters = parametersOf(request);
    if (request.path.endsWith('/login')) {
      if (this.options.withoutLogin) return { status: 404, body: 'no such page' };
      if (parameters['password'] !== 'secret') return { status: 403, body: 'unknown user!' };
      this.#valid = `token-${++this.#tokens}`;
      return json({ accessToken: this.#valid, tokenTtl, globalAdmin: true, username: 'nacos' });
    }
    if (auth && request.headers.authorization !== `Bearer ${this.#valid}`)
      return { status: 403, body: 'token invalid!' };
    return api === 'v3' ? this.#v3(request, parameters) : this.#v1(request, parameters);
  }

  #v1(request: ReceivedRequest, parameters: Record<string, string>): { body: string } {
    if (request.method === 'GET') return json({ hosts: this.hosts, cacheMillis: 10_000 });
    if (request.method !== 'PUT') return this.#change(request.method, parameters, { body: 'ok' });
    const { ip, port } = JSON.parse(parameters['beat']!) as { ip: string; port: number };
    const isKnown = this.known.has(`${ip}:${port}`);
    return json({ clientBeatInterval: 500, code: isKnown ? 10_200 : 20_404, lightBeatEnabled: true });
  }

  #v3(request: ReceivedRequest, parameters: Record<string, string>): { body: string } {
    if (request.method === 'GET') return json({ code: 0, message: 'success', data: this.hosts });
    const isBeat = parameters['heartBeat'] === 'true';
    if (isBeat && !this.known.has(`${parameters['ip']}:${parameters['port']}`)) {
      return json({ code: 21_003, message: 'instance not found', data: null });
    }
    return this.#change(request.method, parameters, json({ code: 0, message: 'success', data: 'ok' }));
  }

  #change(method: string, { ip, port }: Record<string, string>, answer: { body: string }): { body: string } {
    if (method === 'DELETE') this.known.delete(`${ip}:${port}`);
    else this.known.add(`${ip}:${port}`);
    return answer;
  }
}

function parametersOf({ query, body }: ReceivedRequest): Record<string, string> {
  return { ...query, ...Object.fromEntries(new URLSearchParams(body)) };
}

function json(value: unknown): { body: string } {
  return { body: JSON.stringify(value) };
}
