/**
 * XA branches: a database prepares them first, and commits when all branches are prepared. The adapters are in
 * `nestjs-dtm/xa/pg` and `nestjs-dtm/xa/mysql2`.
 *
 * @module nestjs-dtm/xa
 */
export { resolveInDoubt, type ResolvedBranch, type ResolveInDoubtOptions } from './resolve-in-doubt.js';
export type { InDoubtBranch, XaAdapter, XaKey } from './xa-adapter.js';
export { XaParticipant, type XaCoordinator } from './xa-participant.js';
