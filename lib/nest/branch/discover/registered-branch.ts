import type { Type } from '@nestjs/common';
import type { BranchDefinition } from '../definition/branch-definition.js';

/** A branch method of the application, with its routes. */
export interface RegisteredBranch {
  readonly controller: Type;
  /** Name of the method. */
  readonly method: string;
  readonly definition: BranchDefinition;
  /** Paths with the application's prefix and versions; URLs use the first. */
  readonly paths: readonly string[];
  /** Path that names the branch within the application, without prefix and version of its URIs. */
  readonly name: string;
}
