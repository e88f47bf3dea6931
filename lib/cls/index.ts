/**
 * Puts the branch that is called into the context of `nestjs-cls`, for the logs of the application.
 *
 * @module nestjs-dtm/cls
 */
export { setBranch, type BranchClsStore } from './set-branch.js';
