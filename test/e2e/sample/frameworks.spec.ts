import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ServiceName } from '../../services/catalog.mjs';
import { startConsul } from '../../services/consul.mjs';
import { startDapr } from '../../services/dapr.mjs';
import { startDtm } from '../../services/dtm.mjs';
import { startEtcd } from '../../services/etcd.mjs';
import { startEureka } from '../../services/eureka.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { runGoInitiator, startGoPartner, type Framework } from '../../services/go-partner.mjs';
import { startNacos } from '../../services/nacos.mjs';
import { startPolaris } from '../../services/polaris.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';
import { ServeProcess } from '../cli/serve-process.js';
import { onPorts, readmeCommands, type Ports } from './readme-commands.js';
import { SampleProcess } from './sample-process.js';

const README = 'sample/src/frameworks/README.md';

type Env = Readonly<Record<string, string>>;

/** A running registry. */
interface Registry {
  readonly port: number;
  stop(): Promise<void>;
}

/** A section of the README, with the services of its test. */
interface Section {
  readonly title: string;
  readonly registry: { readonly name: ServiceName; readonly port: number; start(): Promise<Registry> };
  /** Replacement in the URL of the registry, as the README describes it. */
  readonly replacement?: readonly [from: string, to: string];
  /** Converts an application name to its name in the registry. */
  readonly nameOf?: (name: string) => string;
  /** Whether Go dtm supports the framework. @default true */
  readonly isSupportedByGo?: boolean;
  /** The Go partner, and its URL scheme for the registry. */
  readonly partner?: { readonly framework: Framework; readonly scheme: string };
  /** URL of dtm for the Go initiator. @default DTM_SERVER */
  readonly goServer?: (httpPort: number) => string;
  /** Whether Go has an initiator for the framework. @default true */
  readonly hasGoInitiator?: boolean;
  /** New services become visible with a delay. @default false */
  readonly hasDelay?: boolean;
}

const etcd = { name: 'etcd', port: 2379, start: () => startEtcd() } as const;
const consul = { name: 'consul', port: 8500, start: () => startConsul() } as const;
const nacos = { name: 'nacos', port: 8848, start: () => startNacos() } as const;
const eureka = { name: 'eureka', port: 8761, start: () => startEureka() } as const;
const polaris = {
  name: 'polaris',
  port: 8091,
  start: async () => {
    const { grpcPort, stop } = await startPolaris();
    return { port: grpcPort, stop };
  },
} as const;

const onConsul = ['etcd://127.0.0.1:2379', 'consul://127.0.0.1:8500'] as const;
const onNacos = ['etcd://127.0.0.1:2379', 'nacos://127.0.0.1:8848'] as const;

const sections: readonly Section[] = [
  { title: 'go-zero', registry: etcd, partner: { framework: 'gozero', scheme: 'etcd' } },
  { title: 'go-zero', registry: consul, replacement: onConsul, partner: { framework: 'gozero', scheme: 'consul' } },
  {
    title: 'go-zero',
    registry: nacos,
    replacement: onNacos,
    partner: { framework: 'gozero', scheme: 'nacos' },
    hasDelay: true,
  },
  { title: 'kratos', registry: etcd, partner: { framework: 'kratos', scheme: 'etcd' } },
  {
    title: 'kratos',
    registry: consul,
    replacement: onConsul,
    partner: { framework: 'kratos', scheme: 'consul' },
    // health checks of kratos start as "critical"
    hasDelay: true,
  },
  {
    title: 'Spring Cloud',
    registry: nacos,
    partner: { framework: 'nacos-http', scheme: 'nacos' },
    goServer: (port) => `http://127.0.0.1:${port}/api/dtmsvr`,
    hasDelay: true,
  },
  { title: 'Spring Cloud Netflix', registry: eureka, isSupportedByGo: false },
  {
    title: 'Polaris',
    registry: polaris,
    partner: { framework: 'polaris', scheme: 'polaris' },
    // the namespace "default", as Go clients of Polaris encode it
    goServer: () => 'polaris://dtmservice/?options=eyJOYW1lc3BhY2UiOiJkZWZhdWx0In0=',
    hasDelay: true,
  },
  { title: 'ego', registry: etcd, partner: { framework: 'ego', scheme: 'etcd' } },
  // sponge uses the etcd entries of kratos
  { title: 'sponge', registry: etcd, partner: { framework: 'kratos', scheme: 'etcd' }, hasGoInitiator: false },
  { title: 'sponge', registry: consul, replacement: onConsul },
  { title: 'sponge', registry: nacos, replacement: onNacos, nameOf: (name) => `${name}.grpc`, hasDelay: true },
];

/** A running coordinator. */
interface Coordinator {
  readonly ports: Ports;
  /** Stops the coordinator gracefully, which removes its registration; Go dtm leaves its own. */
  stop(): Promise<unknown>;
}

/** Starts `npx nestjs-dtm serve`. */
async function serve(env: Env, ports: Ports, files: Env): Promise<Coordinator> {
  const [httpPort, grpcPort] = (await freePorts(2)) as [number, number];
  const all = { ...ports, 36789: httpPort, 36790: grpcPort };
  const cwd = tempFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  const server = await ServeProcess.start({
    cwd,
    env: { ...onPorts(env, all), HTTP_PORT: String(httpPort), GRPC_PORT: String(grpcPort) },
  });
  return { ports: all, stop: () => server.stop() };
}

/** Starts Go dtm with the same variables. */
async function goDtm(env: Env, ports: Ports, files: Env): Promise<Coordinator> {
  const dtm = await startDtm({
    files,
    env: ({ httpPort, grpcPort }) => onPorts(env, { ...ports, 36789: httpPort, 36790: grpcPort }),
  });
  onTestFinished(() => dtm.stop());
  return { ports: { ...ports, 36789: dtm.httpPort, 36790: dtm.grpcPort }, stop: () => dtm.stop() };
}

const programOf = (command: string): [string] => [/^(?:dapr run .* -- )?node (\S+)$/.exec(command)![1]!];

/** Amount of the transfers that probe whether a service is visible. */
const PROBE = '1';

const isNoProbe = (line: string): boolean => !line.includes(` ${PROBE} cents `);

/** Lines that a service of the sample has printed. */
const linesOf = ({ output }: SampleProcess): string[] =>
  (output.match(/^(?:revert )?transfer .*$/gm) ?? []).filter(isNoProbe);

/** Starts the service and waits for its registration. */
async function startBusi(program: string, env: Env, ports: Ports): Promise<{ busi: SampleProcess; ports: Ports }> {
  const [grpcPort, httpPort] = (await freePorts(2)) as [number, number];
  const all = { ...ports, 58081: grpcPort, 58080: httpPort };
  const busi = new SampleProcess(programOf(program), {
    ...onPorts(env, all),
    GRPC_PORT: String(grpcPort),
    HTTP_PORT: String(httpPort),
  });
  await busi.waitForOutput('listening on');
  if (env['TARGET'] !== undefined) await busi.waitForOutput('registered: clients find this application by its name');
  return { busi, ports: all };
}

/** Runs the initiator; repeats while the coordinator is not visible yet. */
async function transfer(program: string, env: Env): Promise<{ gid: string; output: string }> {
  for (;;) {
    const initiator = new SampleProcess(programOf(program), env);
    const exitCode = await initiator.ended;
    const { output } = initiator;
    const [, gid] = /^saga (\S+) /m.exec(output) ?? [];
    if (gid !== undefined) {
      expect(exitCode, output).toBe(0);
      return { gid, output };
    }
    expect(output).toContain('no healthy instance is registered');
  }
}

const LINES = ['transfer out 30 cents from 1', 'transfer in 30 cents to 2'];
const REVERTED = [
  'transfer out 777 cents from 1',
  'transfer in 777 cents to 2',
  'revert transfer in 777 cents to 2',
  'revert transfer out 777 cents from 1',
];

const needed = requireOrSkip('dtm', 'go-partner', ...new Set(sections.map(({ registry }) => registry.name)));

describe.skipIf(!needed.available)(needed.title('the frameworks sample'), () => {
  describe.each(sections)('$title on $registry.name', (section) => {
    const { title, registry, replacement = ['', ''], nameOf = (name: string) => name, partner } = section;
    const { isSupportedByGo = true, hasGoInitiator = true } = section;
    const commands = readmeCommands(README, title).map(({ env, program }) => ({
      program,
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replaceAll(...replacement)])),
    }));
    const of = (program: RegExp) => commands.find((command) => program.test(command.program))!;
    const server = of(/^npx nestjs-dtm serve$/);
    const service = of(/busi\.js$/);
    const initiator = of(/initiator\.js$/);
    for (const name of ['DTM_SERVER', 'BUSI']) {
      initiator.env[name] = initiator.env[name]!.replace(/dtmservice$|busi$/, nameOf);
    }

    let running: Registry;
    beforeAll(async () => {
      running = await registry.start();
    });
    afterAll(() => running?.stop());

    const coordinators = isSupportedByGo ? [serve, goDtm] : [serve];
    it.each(coordinators.map((start) => ({ name: start === serve ? 'nestjs-dtm serve' : 'a real dtm', start })))(
      'transfers on $name',
      { timeout: 240_000 },
      async ({ start }) => {
        const registryPorts = { [registry.port]: running.port };
        const file = /^echo '(.*)' > (\S+)$/.exec(commands[0]!.program);
        const files = file ? onPorts({ [file[2]!]: file[1]! }, registryPorts) : {};
        const { ports, stop } = await start(server.env, registryPorts, files);
        const { busi, ports: all } = await startBusi(service.program, service.env, ports);
        const url = `${partner?.scheme}://127.0.0.1:${running.port}`;
        const goBusi =
          partner && (await startGoPartner({ framework: partner.framework, registry: url, name: 'gobusi' }));
        onTestFinished(() => goBusi?.stop());
        const env = onPorts(initiator.env, all);
        const ofGo = { ...env, BUSI: env['BUSI']!.replace('busi', 'gobusi') };
        for (const known of section.hasDelay ? [env, ...(goBusi ? [ofGo] : [])] : []) {
          let probe;
          do probe = await transfer(initiator.program, { ...known, AMOUNT: PROBE });
          while (!probe.output.includes(`saga ${probe.gid} succeed\n`));
        }

        const begun = await transfer(initiator.program, env);
        expect(begun.output).toContain(`saga ${begun.gid} succeed\n`);
        expect(linesOf(busi)).toEqual(LINES);

        // a transfer that fails is reverted
        const failed = await transfer(initiator.program, { ...env, AMOUNT: '777' });
        expect(failed.output).toContain(`saga ${failed.gid} has not succeeded: `);
        await waitUntil(() => linesOf(busi).length >= LINES.length + REVERTED.length);
        expect(linesOf(busi)).toEqual([...LINES, ...REVERTED]);

        if (goBusi) {
          // Go service, Node initiator
          const called = await transfer(initiator.program, ofGo);
          expect(called.output).toContain(`saga ${called.gid} succeed\n`);
          const lines = goBusi.lines().filter(isNoProbe);
          expect(lines.map((line) => line.replace(/ gid=.*/, ''))).toEqual(LINES);
          for (const line of lines) expect(line).toContain(`gid=${called.gid} trans_type=saga`);
        }
        if (goBusi && hasGoInitiator) {
          // Go initiator, Node service
          const [name = '', query] = env['BUSI']!.split('?');
          const urlOf = (method: string): string =>
            name + (title === 'Spring Cloud' ? '' : '/busi.Busi') + `/${method}` + (query ? `?${query}` : '');
          const byGo = await runGoInitiator({
            driver: env['DRIVER']!,
            dtm: section.goServer?.(all[36789]!) ?? env['DTM_SERVER']!,
            registry: url,
            branches: ['TransOut', 'TransIn'].map((method) => ({
              action: urlOf(method),
              compensate: urlOf(`${method}Revert`),
            })),
          });
          expect(byGo, byGo.output).toMatchObject({ exitCode: 0 });
          expect(linesOf(busi)).toEqual([...LINES, ...REVERTED, ...LINES]);
        }
        await Promise.all([busi.stop(), stop()]);
      },
    );
  });
});

const dapr = requireOrSkip('dtm', 'dapr', 'consul');

describe.skipIf(!dapr.available)(dapr.title('the frameworks sample with Dapr'), () => {
  const commands = readmeCommands(README, 'Dapr');
  const of = (program: RegExp) => commands.find((command) => program.test(command.program))!;
  const server = of(/npx nestjs-dtm serve$/);
  const service = of(/busi\.js$/);
  const initiator = of(/initiator\.js$/);

  const cases = [serve, goDtm].flatMap((start) =>
    (['gRPC', 'HTTP'] as const).map((over) => ({
      name: start === serve ? 'nestjs-dtm serve' : 'a real dtm',
      over,
      start,
    })),
  );
  it.each(cases)('transfers on $name, over $over', { timeout: 240_000 }, async ({ start, over }) => {
    const registry = await startConsul();
    onTestFinished(() => registry.stop());
    /** Starts the sidecar of a README command on the ports of the test. */
    const sidecarOf = async (program: string, ports: Ports = {}) => {
      const [, appId, appPort] = /^dapr run --app-id (\S+)(?: --app-port (\d+) --app-protocol grpc)? -- /.exec(
        program,
      )!;
      // the README describes this change for HTTP
      const wanted = over === 'gRPC' ? appPort : { 36790: '36789', 58081: '58080' }[appPort!];
      const sidecar = await startDapr({
        appId: appId!,
        ...(wanted && { appPort: ports[Number(wanted)]! }),
        appProtocol: over === 'gRPC' ? 'grpc' : 'http',
        consul: registry,
      });
      onTestFinished(() => sidecar.stop());
      return sidecar;
    };
    // the sidecar of the initiator starts first: it needs no application
    const { grpcPort, httpPort } = await sidecarOf(initiator.program);
    const DAPR = { DAPR_GRPC_PORT: String(grpcPort), DAPR_HTTP_PORT: String(httpPort) };
    const { ports, stop } = await start({ ...server.env, ...DAPR }, {}, {});
    const { busi, ports: all } = await startBusi(service.program, service.env, ports);
    await Promise.all([sidecarOf(server.program, all), sidecarOf(service.program, all)]);

    const overHttp = { DTM_SERVER: 'daprphttp://DAPR_ENV/dtm/api/dtmsvr', BUSI: 'daprphttp://DAPR_ENV/busi' };
    const env = { ...initiator.env, ...(over === 'HTTP' && overHttp) };
    const begun = await transfer(initiator.program, { ...env, ...DAPR });
    expect(begun.output).toContain(`saga ${begun.gid} succeed\n`);
    expect(linesOf(busi)).toEqual(LINES);
    await Promise.all([busi.stop(), stop()]);
  });
});
