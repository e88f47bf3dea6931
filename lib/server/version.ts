import { PACKAGE_VERSION } from '../support/version.js';

/** Version of the package, as the API returns it. */
export const VERSION: string = `v${PACKAGE_VERSION}`;
