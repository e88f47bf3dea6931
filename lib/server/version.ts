import { createRequire } from 'node:module';

/** Version of the package, as the API returns it. */
export const VERSION: string = `v${(createRequire(import.meta.url)('nestjs-dtm/package.json') as { version: string }).version}`;
