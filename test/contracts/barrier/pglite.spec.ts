import { barrierContract } from './barrier-contract.js';
import { pgliteFixture } from './fixtures/pglite-fixture.js';

barrierContract('pgBarrier on PGlite', pgliteFixture);
