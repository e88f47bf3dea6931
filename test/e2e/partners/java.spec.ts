import { DtmService } from 'nestjs-dtm';
import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import { DtmFailureError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDtmcliBank } from '../../services/dtmcli.mjs';
import { startEureka } from '../../services/eureka.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { startNacos } from '../../services/nacos.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { freshName } from '../../support/fresh-name.js';
import { waitUntil } from '../../support/wait-until.js';
import { closeApps } from '../nest/app.js';
import { runOrder, startAccounts, type Accounts, type OrderStep } from './dtmcli-bank.js';
import { startNestBank } from './nest-bank.js';

/*
 * A Spring Cloud application on dtmcli-springcloud, a Nest application and a coordinator of this package, which find each
 * other by their names.
 */

interface SpringRegistry {
  readonly name: 'nacos' | 'eureka';
  start(): Promise<{ readonly host: string; readonly port: number; readonly url: string; stop(): Promise<void> }>;
  /** Target of a service. */
  target(server: { readonly host: string; readonly port: number; readonly url: string }, service: string): object;
  /** Properties of Spring. */
  properties(server: { readonly host: string; readonly port: number; readonly url: string }): string[];
}

const NAMESPACE = 'c3dc917d-906a-429d-90a9-85012b41014e';

const registries: readonly SpringRegistry[] = [
  {
    name: 'nacos',
    start: () => startNacos(),
    // the target of dtmcli-java-spring-sample, with its login on a Nacos that needs none
    target: ({ host, port }, service) => ({
      Addr: `${host}:${port},${host}:${port}`,
      Type: 'nacos',
      InstanceConfig: { ServiceName: service, Enable: true, Healthy: true, Weight: 10 },
      ClientConfig: { NamespaceId: NAMESPACE, UserName: 'nacos', Password: 'nacos', NotLoadCacheAtStart: true },
    }),
    properties: ({ host, port }) => [
      `--spring.cloud.nacos.discovery.server-addr=${host}:${port}`,
      `--spring.cloud.nacos.discovery.namespace=${NAMESPACE}`,
      '--spring.cloud.nacos.discovery.username=nacos',
      '--spring.cloud.nacos.discovery.password=nacos',
    ],
  },
  {
    name: 'eureka',
    start: () => startEureka(),
    target: ({ url }, service) => ({ Addr: url, Type: 'eureka', InstanceConfig: { ServiceName: service } }),
    properties: ({ url }) => [`--eureka.client.service-url.defaultZone=${url}/`],
  },
];

describe.each(registries)('a Spring Cloud application through $name', ({ name, start, target, properties }) => {
  const services = requireOrSkip('dtmcli-java', 'mariadb', name);

  describe.skipIf(!services.available)(services.title('and a Nest application'), () => {
    let accounts: Accounts;
    let registry: Awaited<ReturnType<SpringRegistry['start']>>;
    let java: Awaited<ReturnType<typeof startDtmcliBank>>;
    let coordinator: EmbeddedServer;
    let dtm: DtmService;

    beforeAll(async () => {
      accounts = await startAccounts();
      registry = await start();
      const args = [`--spring.profiles.active=${name}`, ...properties(registry)];
      const [dtmPort, nestPort] = (await freePorts(2)) as [number, number];
      coordinator = embeddedServer({
        store: memoryStore(),
        driver: springCloudDriver(),
        listen: { port: dtmPort },
        register: { target: JSON.stringify(target(registry, 'dtmService')), endpoint: `127.0.0.1:${dtmPort}` },
      });
      await coordinator.open();
      coordinator.recover();
      const { app } = await startNestBank(accounts.pool, {
        dtm: {
          driver: springCloudDriver(),
          server: 'http://dtmService',
          register: { target: JSON.stringify(target(registry, 'nest-bank')), endpoint: `127.0.0.1:${nestPort}` },
        },
        listen: false,
      });
      await app.listen(nestPort, '127.0.0.1');
      dtm = app.get(DtmService);
      java = await startDtmcliBank({ language: 'java', mariadb: accounts.mariadb, args });
      await accounts.reset();
      // each side has found the other one, and the coordinator both
      await waitUntil(async () => {
        const gid = await dtm.newGid().catch(() => undefined);
        const found = gid && (await dtm.resolveUrl(urls('TransIn')).catch(() => undefined));
        return found !== undefined && (await begin('saga', 0))[0] === null && (await begin('tcc', 0))[0] === null;
      });
    }, 240_000);

    afterAll(async () => {
      await closeApps();
      await java?.stop();
      await coordinator?.close();
      await registry?.stop();
      await accounts?.stop();
    });

    beforeEach(() => accounts.reset());

    /** The Java client finds the branches by name, and appends `?groupName=DEFAULT_GROUP` to what the coordinator calls. */
    function steps(mode: 'saga' | 'tcc', amount: number): OrderStep[] {
      const [out, undo] = mode === 'saga' ? ['transOut', 'transOutRevert'] : ['tryOut', 'cancel'];
      return [
        {
          action: 'java-bank/TransIn',
          confirm: 'java-bank/Confirm',
          compensate: 'java-bank/TransInRevert',
          payload: { userId: 2, amount },
        },
        {
          action: `nest-bank/bank/${out}`,
          confirm: 'nest-bank/bank/confirm',
          compensate: `nest-bank/bank/${undo}`,
          payload: { userId: 1, amount },
        },
      ];
    }

    function begin(mode: 'saga' | 'tcc', amount: number, gid = freshName('java')): Promise<(string | null)[]> {
      // the client finds the coordinator by its name
      const options = { wait_result: true };
      return runOrder(java, { server: '', mode, gid, steps: steps(mode, amount), options });
    }

    const statusOf = async (gid: string): Promise<string | undefined> => (await dtm.query(gid))?.transaction.status;

    it.each([
      ['saga', 30, 'succeed', { 1: 70, 2: 130 }],
      ['saga', 300, 'failed', { 1: 100, 2: 100 }],
      ['tcc', 30, 'succeed', { 1: 70, 2: 130 }],
      ['tcc', 300, 'failed', { 1: 100, 2: 100 }],
    ] as const)('Java begins a %s of %i', async (mode, amount, status, balances) => {
      const gid = freshName('java');
      const [error] = await begin(mode, amount, gid);
      expect(error === null).toBe(status === 'succeed');
      await expect.poll(() => statusOf(gid)).toBe(status);
      expect(await accounts.balances()).toMatchObject(balances);
    });

    const urls = (path: string): string => `${name}://java-bank/${path}`;

    it.each([
      [30, { 3: 130, 4: 70 }],
      [300, { 3: 100, 4: 100 }],
    ] as const)('Nest begins a saga of %i', async (amount, balances) => {
      const saga = dtm
        .saga()
        .add({ action: urls('TransIn'), compensate: urls('TransInRevert') }, { userId: 3, amount })
        .add({ action: urls('TransOut'), compensate: urls('TransOutRevert') }, { userId: 4, amount });
      const submitted = saga.submit({ waitResult: true });
      if (amount === 30) await submitted;
      else await expect(submitted).rejects.toThrow(DtmFailureError);
      expect(await accounts.balances()).toMatchObject(balances);
    });

    it('Nest begins a TCC, whose tries have no parameter that the barrier of Java refuses', async () => {
      const answers = await dtm.tcc(
        async (tcc) => [
          await tcc.call(
            { try: urls('TransIn'), confirm: urls('Confirm'), cancel: urls('TransInRevert') },
            { userId: 3, amount: 30 },
          ),
          await tcc.call(
            {
              try: `${name}://nest-bank/bank/tryOut`,
              confirm: `${name}://nest-bank/bank/confirm`,
              cancel: `${name}://nest-bank/bank/cancel`,
            },
            { userId: 4, amount: 30 },
          ),
        ],
        { waitResult: true },
      );
      // neither try has a result: each answers {"dtm_result":"SUCCESS"}, without which Java would cancel
      expect(answers).toEqual([undefined, undefined]);
      expect(await accounts.balances()).toMatchObject({ 3: 130, 4: 70 });
    });
  });
});
