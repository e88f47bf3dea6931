import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { startPostgres } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { ServeProcess } from './serve-process.js';

/** A workload of Kubernetes, as far as the tests read it. */
interface Workload {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [
          {
            readonly env?: readonly { readonly name: string; readonly value?: string }[];
            readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
            readonly readinessProbe: Probe;
            readonly livenessProbe: Probe;
          },
        ];
      };
    };
  };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

/** Longest shutdown in seconds: the drain of the branches, and that of the coordinator with its connections. */
const SHUTDOWN_SECONDS = { bank: 20 + 23, dtm: 23 };

const page = readFileSync(new URL('../../../docs/production.md', import.meta.url), 'utf8');

const documents = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].flatMap(([, text = '']) => parseAllDocuments(text));

const workloads = documents
  .map((document) => document.toJS() as Workload)
  .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');

describe('the manifests of the page about production', () => {
  it('are valid YAML', () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(workloads.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'StatefulSet bank',
      'Deployment bank',
      'Deployment dtm',
    ]);
  });

  it.each(workloads)(
    'leave $kind $metadata.name the time for its shutdown, and probe a port that it has',
    (workload) => {
      const { terminationGracePeriodSeconds, containers } = workload.spec.template.spec;
      const name = workload.metadata.name as keyof typeof SHUTDOWN_SECONDS;
      expect(terminationGracePeriodSeconds).toBeGreaterThan(SHUTDOWN_SECONDS[name]);
      const [{ ports, readinessProbe, livenessProbe }] = containers;
      for (const { httpGet } of [readinessProbe, livenessProbe])
        expect(ports.map((port) => port.name)).toContain(httpGet.port);
    },
  );
});

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('serve with the environment of its manifest'), () => {
  it('starts without a note, and answers both probes', async () => {
    const database = await startPostgres();
    onTestFinished(() => database.stop());
    const [{ env = [], readinessProbe, livenessProbe }] = workloads.at(-1)!.spec.template.spec.containers;
    const values = Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
    const names = env.map(({ name }) => name);
    expect(names).toContain('STORE_PASSWORD');
    const serve = await ServeProcess.start({
      env: {
        ...values,
        STORE_HOST: database.host,
        STORE_PORT: String(database.port),
        STORE_PASSWORD: database.password,
      },
    });
    expect(serve.row('store')).toMatch(/^postgres /);
    expect(serve.stdout).not.toMatch(/has no effect|unknown/);
    const { port } = new URL(serve.base);
    for (const { httpGet } of [readinessProbe, livenessProbe])
      expect((await fetch(`http://127.0.0.1:${port}${httpGet.path}`)).status).toBe(200);
    expect(await serve.stop()).toBe(0);
  });
});
