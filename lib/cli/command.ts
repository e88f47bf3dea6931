/** A command of the program. */
export interface Command {
  /** Description of the command, on one line of the help. */
  readonly description: string;
  /**
   * Runs the command.
   *
   * @param args - arguments after the name of the command
   * @returns exit code
   * @throws UsageError when the arguments are invalid
   */
  run(args: readonly string[]): Promise<number>;
}
