import type { UnfinishedSummary } from '../../server/operations/count-unfinished.js';

/** Content of the start-up text. */
export interface StartUp {
  /** Version of the package. */
  readonly version: string;
  /** Base URL of the HTTP API, e.g. `http://127.0.0.1:36789`. */
  readonly http: string;
  /** Address of the gRPC API, e.g. `127.0.0.1:36790`. */
  readonly grpc: string;
  /** Name of the store. */
  readonly store: string;
  /** Name of the driver. */
  readonly driver: string;
  /** Unfinished transactions in the store. */
  readonly unfinished: UnfinishedSummary;
  /** Notices for the user. */
  readonly notices: readonly string[];
  /** Warnings about dangerous settings. */
  readonly warnings: readonly string[];
}

/** The lines that the server prints after its start. */
export function startUpText({ version, http, grpc, store, driver, unfinished, notices, warnings }: StartUp): string {
  const rows = [
    ['HTTP', `${http}/api/dtmsvr`],
    ['JSON-RPC', `${http}/api/json-rpc`],
    ['gRPC', grpc],
    ['metrics', `${http}/api/metrics`],
    ['store', store],
    ['driver', driver],
    ['recovery', recoveryText(unfinished)],
    ...attentionRows(unfinished, http),
    ...notices.map((notice) => ['note', notice]),
    ...warnings.map((warning) => ['WARNING', warning]),
  ];
  return [
    `nestjs-dtm ${version} is serving`,
    ...rows.map(([name = '', text]) => `  ${name.padEnd(11)}${text}`),
    '',
  ].join('\n');
}

function recoveryText({ prepared, submitted, aborting, isPartial }: UnfinishedSummary): string {
  const count = prepared + submitted + aborting;
  if (count === 0) return 'no unfinished transactions';
  const plural = count === 1 ? '' : 's';
  const parts = `${prepared} prepared, ${submitted} submitted, ${aborting} aborting`;
  return `${isPartial ? 'at least ' : ''}${count} unfinished transaction${plural} resumed: ${parts}`;
}

function attentionRows({ attention }: UnfinishedSummary, http: string): [string, string][] {
  if (attention === 0) return [];
  return [['attention', `transactions that need attention: ${attention}, see ${http}/api/dtmsvr/all?attention=true`]];
}
