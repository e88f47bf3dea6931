import type { Application } from './application.js';
import type { Plan } from './plan.js';

/** Tells what `init` did, or would do, and what to do next. */
export function summaryOf(application: Application, plan: Plan, isDryRun: boolean): string {
  const changes = plan.changes.map(({ kind, path }) => `  ${kind.padEnd(8)}${path}`);
  const unchanged = plan.unchanged.map((path) => `  ${'has'.padEnd(8)}${path}`);
  const sections = [
    [...(isDryRun ? ['Nothing is written with --dry-run.'] : []), ...changes, ...unchanged].join('\n'),
    ...plan.notes,
    ...plan.byHand,
    ...(isDryRun ? [] : [nextSteps(application)]),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function nextSteps({ packageManager, packages, url, testRunner }: Application): string {
  const install = packageManager === 'npm' ? 'npm install' : `${packageManager} add`;
  const run = packageManager === 'npm' || packageManager === 'bun' ? `${packageManager} run` : packageManager;
  const test = packageManager === 'npm' ? 'npm test -- transfer' : `${run} test transfer`;
  const request = `curl -X POST ${url}/transfers -H 'content-type: application/json' -d '{"from":"alice","to":"bob","amount":30}'`;
  const steps = [
    ...(packages.has('nestjs-dtm') ? [] : [`${install} nestjs-dtm`]),
    `${run} start`,
    request,
    ...(testRunner === undefined ? [] : [test]),
  ];
  return ['Next:', '', ...steps.map((step) => `  ${step}`)].join('\n');
}
