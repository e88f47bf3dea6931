import { DtmArgumentError, type ApplicationBranches, type ServerMethod } from '../../protocol/internal.js';
import type { DtmDriver } from '../driver.js';
import { appAddress, parseAppUrl } from './app-url.js';

/**
 * Creates the driver of branches that are named, not located: `app://application/path`. Its registry is the process: only
 * the application of that name has the branch, in each of its replicas. The driver works beside the one that a user chooses.
 *
 * @param application - the application of this process
 */
export function appDriver(application: Pick<ApplicationBranches, 'name' | 'has'>): DtmDriver {
  return {
    name: 'app',
    registerGrpcResolver: () => undefined,
    // an application is known by the option `name`
    registerService: async () => ({ close: async () => undefined }),
    parseServerMethod: (url) => findBranch(application, url),
  };
}

function findBranch(own: Pick<ApplicationBranches, 'name' | 'has'>, url: string): ServerMethod {
  // the common case costs no regular expression
  const prefix = appAddress(own.name);
  if (url.startsWith(prefix) && own.has(url.slice(prefix.length))) {
    return { server: prefix, method: url.slice(prefix.length) };
  }
  const parts = parseAppUrl(url);
  if (!parts) {
    throw new DtmArgumentError(`branch URL '${url}' is invalid: expected app://application/path`);
  }
  const { application, path } = parts;
  // an application without a name is alone in its store, and may have got its name later
  if (application !== '' && application !== own.name) {
    throw new DtmArgumentError(
      `branch URL '${url}' cannot be called: only the application ${application} calls its branches by name, and ` +
        `${own.name === undefined ? 'this application has no name' : `this is the application ${own.name}`}; give an http:// or gRPC URL`,
    );
  }
  const [method] = path.split('?', 1) as [string];
  if (own.has(method)) return { server: url.slice(0, url.length - path.length), method: path };
  throw new DtmArgumentError(
    `branch URL '${url}' is invalid: this application has no branch ${method}; keep the paths of branches while transactions are unfinished`,
  );
}
