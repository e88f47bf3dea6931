import type { Type } from '@nestjs/common';
import type { BranchDefinition } from '../definition/branch-definition.js';

/** A branch endpoint of the application. */
export interface BranchEntry {
  /** Controller that has it. */
  readonly controller: Type;
  /** Name of the method. */
  readonly method: string;
  /** What dtm may call it for. */
  readonly definition: BranchDefinition;
  /** Paths that lead to it, with the application's prefix and versions; the first stands in URLs. */
  readonly paths: readonly string[];
}
