import type { RunningCoordinator } from './coordinators.js';

/** A transaction that one coordinator starts and another one finishes. */
export interface Scenario {
  readonly title: string;
  /** Starts the transaction. */
  begin(gid: string, first: RunningCoordinator, url: (path: string) => string): Promise<void>;
  /** Branch operation that the first coordinator must have called. @default none */
  readonly reached?: string;
  /** Branch operations that the first coordinator must have stored as succeeded. @default none */
  readonly stored?: readonly string[];
  /** Action of the initiator after the takeover. @default nothing */
  continue?(gid: string, second: RunningCoordinator): Promise<unknown>;
  /** Final status. */
  readonly status: 'succeed' | 'failed';
  /** All successful calls, under both coordinators, in order. */
  readonly calls: readonly string[];
  /** Call that may succeed several times. @default none */
  readonly repeated?: string;
}

const INTERVALS = { retry_interval: 1, request_timeout: 2 };

interface Step {
  readonly action: string;
  readonly compensate?: string;
}

function withSteps(gid: string, transType: string, steps: readonly Step[], more: object = {}): object {
  const payloads = steps.map((_, index) => JSON.stringify({ amount: index + 1 }));
  return { gid, trans_type: transType, ...INTERVALS, steps, payloads, ...more };
}

async function twoPhase(
  first: RunningCoordinator,
  gid: string,
  transType: 'tcc' | 'xa',
  branches: readonly object[],
  more: object = {},
): Promise<void> {
  await first.post('prepare', { gid, trans_type: transType, ...INTERVALS, ...more });
  for (const [index, branch] of branches.entries()) {
    await first.post('registerBranch', { gid, trans_type: transType, branch_id: `0${index + 1}`, ...branch });
  }
}

/** Every mode in every state at which a coordinator can stop. */
export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'a saga between two of its actions',
    begin: async (gid, first, url) => {
      const steps = [{ action: url('ok') }, { action: url('gated') }, { action: url('ok') }];
      await first.post('submit', withSteps(gid, 'saga', steps, { branch_headers: { 'x-tenant': 'a"b' } }));
    },
    reached: '02 action',
    stored: ['01 action'],
    status: 'succeed',
    calls: ['01 action', '02 action', '03 action'],
  },
  {
    title: 'a saga between two of its compensations',
    begin: async (gid, first, url) => {
      const steps = [
        { action: url('ok'), compensate: url('gated') },
        { action: url('ok'), compensate: url('ok') },
        { action: url('refuse'), compensate: url('ok') },
      ];
      await first.post('submit', withSteps(gid, 'saga', steps));
    },
    reached: '01 compensate',
    stored: ['01 action', '02 action', '02 compensate', '03 compensate'],
    status: 'failed',
    calls: ['01 action', '02 action', '03 compensate', '02 compensate', '01 compensate'],
  },
  {
    title: 'a concurrent saga with orders',
    begin: async (gid, first, url) => {
      const steps = [{ action: url('ok') }, { action: url('gated') }, { action: url('ok') }];
      const custom_data = JSON.stringify({ concurrent: true, orders: { 2: [0, 1] } });
      await first.post('submit', withSteps(gid, 'saga', steps, { custom_data }));
    },
    reached: '02 action',
    stored: ['01 action'],
    status: 'succeed',
    calls: ['01 action', '02 action', '03 action'],
  },
  {
    title: 'a prepared saga, submitted to the second coordinator',
    begin: async (gid, first, url) => {
      await first.post('prepare', withSteps(gid, 'saga', [{ action: url('ok') }]));
    },
    continue: (gid, second) => second.post('submit', { gid, trans_type: 'saga', ...INTERVALS }),
    status: 'succeed',
    calls: ['01 action'],
  },
  {
    title: 'a message that is delivered to its first step',
    begin: async (gid, first, url) => {
      await first.post('submit', withSteps(gid, 'msg', [{ action: url('ok') }, { action: url('gated') }]));
    },
    reached: '02 action',
    stored: ['01 action'],
    status: 'succeed',
    calls: ['01 action', '02 action'],
  },
  {
    title: 'a concurrent message',
    begin: async (gid, first, url) => {
      const steps = [{ action: url('gated') }, { action: url('ok') }];
      await first.post('submit', withSteps(gid, 'msg', steps, { concurrent: true }));
    },
    reached: '01 action',
    stored: ['02 action'],
    status: 'succeed',
    calls: ['02 action', '01 action'],
  },
  {
    title: 'a prepared message whose query-back answers "committed"',
    begin: async (gid, first, url) => {
      const more = { query_prepared: url('gated'), timeout_to_fail: 2 };
      await first.post('prepare', withSteps(gid, 'msg', [{ action: url('ok') }], more));
    },
    status: 'succeed',
    calls: ['00 msg', '01 action'],
  },
  {
    title: 'a prepared message whose query-back answers "rolled back"',
    begin: async (gid, first, url) => {
      const more = { query_prepared: url('gated-refuse'), timeout_to_fail: 2 };
      await first.post('prepare', withSteps(gid, 'msg', [{ action: url('ok') }], more));
    },
    status: 'failed',
    calls: [],
  },
  {
    title: 'a TCC that is never submitted',
    begin: (gid, first, url) => {
      const branch = { data: '{"amount":1}', confirm: url('refuse'), cancel: url('ok') };
      return twoPhase(first, gid, 'tcc', [branch, branch], { timeout_to_fail: 8 });
    },
    status: 'failed',
    calls: ['02 cancel', '01 cancel'],
  },
  {
    title: 'a TCC between two of its confirmations',
    begin: async (gid, first, url) => {
      const branch = { data: '{"amount":1}', cancel: url('refuse') };
      await twoPhase(first, gid, 'tcc', [
        { ...branch, confirm: url('gated') },
        { ...branch, confirm: url('ok') },
      ]);
      await first.post('submit', { gid, trans_type: 'tcc', ...INTERVALS });
    },
    reached: '01 confirm',
    stored: ['02 confirm'],
    status: 'succeed',
    calls: ['02 confirm', '01 confirm'],
  },
  {
    title: 'a TCC between two of its cancellations',
    begin: async (gid, first, url) => {
      const branch = { data: '{"amount":1}', confirm: url('refuse') };
      await twoPhase(first, gid, 'tcc', [
        { ...branch, cancel: url('gated') },
        { ...branch, cancel: url('ok') },
      ]);
      await first.post('abort', { gid, trans_type: 'tcc', rollback_reason: 'no "money"' });
    },
    reached: '01 cancel',
    stored: ['02 cancel'],
    status: 'failed',
    calls: ['02 cancel', '01 cancel'],
  },
  {
    title: 'a TCC that is submitted to the second coordinator',
    begin: (gid, first, url) =>
      twoPhase(first, gid, 'tcc', [{ data: '{}', confirm: url('ok'), cancel: url('refuse') }], { timeout_to_fail: 60 }),
    continue: async (gid, second) => {
      await second.post('registerBranch', {
        gid,
        trans_type: 'tcc',
        branch_id: '02',
        data: '',
        confirm: '',
        cancel: '',
      });
      await second.post('submit', { gid, trans_type: 'tcc', ...INTERVALS });
    },
    status: 'succeed',
    calls: ['01 confirm'],
  },
  {
    title: 'an XA transaction between two of its commits',
    begin: async (gid, first, url) => {
      await twoPhase(first, gid, 'xa', [{ url: url('ok') }, { url: url('gated') }]);
      await first.post('submit', { gid, trans_type: 'xa', ...INTERVALS });
    },
    reached: '02 commit',
    stored: ['01 commit'],
    status: 'succeed',
    calls: ['01 commit', '02 commit'],
  },
  {
    title: 'an XA transaction between two of its rollbacks',
    begin: async (gid, first, url) => {
      await twoPhase(first, gid, 'xa', [{ url: url('ok') }, { url: url('gated') }]);
      await first.post('abort', { gid, trans_type: 'xa' });
    },
    reached: '02 rollback',
    stored: ['01 rollback'],
    status: 'failed',
    calls: ['01 rollback', '02 rollback'],
  },
  {
    title: 'a workflow with one completed step, which the initiator finishes after the workflow call',
    begin: async (gid, first, url) => {
      const custom_data = JSON.stringify({ data: Buffer.from('{"amount":30}').toString('base64'), name: 'transfer' });
      const query_prepared = url('gated');
      await first.post('prepareWorkflow', { gid, trans_type: 'workflow', ...INTERVALS, query_prepared, custom_data });
      const step = { branch_id: '01', op: 'action', status: 'succeed', data: '{"a":1}' };
      await first.post('registerBranch', { gid, trans_type: 'workflow', ...step });
    },
    continue: (gid, second) =>
      second.post('submit', { gid, trans_type: 'workflow', req_extra: { status: 'succeed', result: 'cmVz' } }),
    status: 'succeed',
    calls: ['00 transfer'],
    repeated: '00 transfer',
  },
];
