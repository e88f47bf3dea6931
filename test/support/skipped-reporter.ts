import type { Reporter, TestModule } from 'vitest/node';

/** Names the suites that were skipped at the end of a run: a missing service must not pass silently. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const titles = new Set<string>();
    for (const module of modules) {
      for (const suite of module.children.allSuites()) if (suite.options.mode === 'skip') titles.add(suite.fullName);
    }
    if (titles.size > 0) process.stdout.write(`\nSkipped:\n${[...titles].map((title) => `  ${title}\n`).join('')}`);
  }
}
