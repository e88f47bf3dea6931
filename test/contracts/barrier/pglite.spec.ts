import { barrierContract } from './barrier-contract.js';
import { pgliteBed } from './beds/pglite-bed.js';

barrierContract('pgBarrier on PGlite', pgliteBed);
