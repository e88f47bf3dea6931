/** A setting as somebody gave it. */
export interface Given {
  /** Its value, unread. */
  readonly text: string;
  /** Where it stands, for people: `conf.yml:3`, `environment variable HTTP_PORT`. */
  readonly source: string;
}
