/** A command of the program. */
export interface Command {
  /** What it does, on one line. */
  readonly about: string;
  /**
   * Does it.
   *
   * @param args - what stands behind its name
   * @returns exit code
   * @throws UsageError when the arguments cannot be understood
   */
  run(args: readonly string[]): Promise<number>;
}
