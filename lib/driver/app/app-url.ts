import { APP_SCHEME } from '../../protocol/internal.js';

/** The parts of a URL that names a branch of an application. */
export interface AppUrl {
  /** Name of the application; empty for one without a name, whose store no other application has. */
  readonly application: string;
  /** Path of the branch, with its query. */
  readonly path: string;
}

const APP_URL = /^app:\/\/([a-z\d.-]*)(\/[!-~]*)$/;

/** Whether a URL names a branch instead of locating it. */
export function isAppUrl(url: string): boolean {
  return url.startsWith(APP_SCHEME);
}

/**
 * Splits `app://application/path`.
 *
 * @returns undefined when the URL has another form
 */
export function parseAppUrl(url: string): AppUrl | undefined {
  const [, application, path] = APP_URL.exec(url) ?? [];
  return application === undefined || path === undefined ? undefined : { application, path };
}

/** Address of an application, in front of the paths of its branches. */
export function appAddress(application: string | undefined): string {
  return APP_SCHEME + (application ?? '');
}
