import type { Reporter, TestModule } from 'vitest/node';

/** Lists skipped suites at the end of a run, so that a missing service is visible. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const titles = new Set<string>();
    for (const module of modules) {
      for (const suite of module.children.allSuites()) if (suite.options.mode === 'skip') titles.add(suite.fullName);
    }
    if (titles.size > 0) process.stdout.write(`\nSkipped:\n${[...titles].map((title) => `  ${title}\n`).join('')}`);
  }
}
