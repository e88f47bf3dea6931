/** A setting that was found in a source and is not parsed yet. */
export interface RawSetting {
  /** The text of its value. */
  readonly text: string;
  /** Where it was found: `conf.yml:3`, `environment variable HTTP_PORT`. */
  readonly source: string;
}
