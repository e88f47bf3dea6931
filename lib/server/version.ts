import { createRequire } from 'node:module';

/** Version of the package, as `version` of the API shows it. */
export const VERSION: string = `v${(createRequire(import.meta.url)('nestjs-dtm/package.json') as { version: string }).version}`;
