import { DtmArgumentError } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';
import { redactUrls } from '../../support/redact-urls.js';
import { DEFAULT_GROUP } from '../support/registry/nacos/nacos-instance.js';
import { isHttpScheme, parseNamedUrl } from './named-url.js';
import type { SpringServices } from './spring-services.js';

const PARTS = /^(?:([a-z][a-z\d+.-]*):\/\/)?([^/?#]*)\/?(?:\?(.*))?$/is;

/**
 * Builds the URL of an HTTP branch that Go dtm can call.
 *
 * @param service - name of the service, `nacos://name?group=G&clusters=C`, or an http(s) URL
 * @param method - path of the branch
 * @param services - the registry in which names are looked up
 * @throws DtmArgumentError when Go dtm would not find the service
 */
export function springBranchUrl(service: string, method: string, services: SpringServices | undefined): string {
  const refusal = (why: string): DtmArgumentError =>
    new DtmArgumentError(`branch URL '${redactUrls(service + method)}' is invalid: ${why}`);
  if (!method.startsWith('/')) throw refusal('expected a slash at the start of the path');
  if (/^https?:\/\//i.test(service)) return service.replace(/\/+$/, '') + method;

  const [, scheme = 'nacos', name = '', query] = PARTS.exec(service) ?? [];
  if (parseHostPort(name)) {
    throw refusal('Go dtm with this driver calls no gRPC branches; give the name of the service, or http://host:port');
  }
  if (scheme.toLowerCase() === 'eureka' || services?.isKnownToGo === false) {
    throw refusal(
      'Go dtm does not look services up in Eureka. With the coordinator of this package, create the driver with ' +
        "{ eureka: { coordinator: 'nestjs-dtm' } }. With Go dtm, look the service up first, " +
        `\`await driver.http.resolve('eureka://${name}${method}')\`; all retries then call that instance`,
    );
  }
  const options = new URLSearchParams(query);
  for (const key of options.keys()) {
    if (key === 'group' || key === 'clusters') continue;
    const why =
      key === 'groupName' ? "Go dtm reads 'group'" : 'Go dtm uses the namespace and the user of its own target';
    throw refusal(`Go dtm ignores ${JSON.stringify(key)} in the URL of a service: ${why}`);
  }
  if (options.get('group') === DEFAULT_GROUP) options.delete('group');
  if (options.getAll('clusters').join() === 'DEFAULT') options.delete('clusters');
  const added = options.size > 0 ? `${method.includes('?') ? '&' : '?'}${options}` : '';
  const url = `${scheme}://${name}${method}${added}`;
  parseNamedUrl(url);
  return url;
}

/**
 * Builds the URL of an HTTP branch that the coordinator of this package looks up in Eureka.
 *
 * @param service - name of the service, `eureka://name`, or an http(s) URL
 * @param method - path of the branch
 * @throws DtmArgumentError with the expected format
 */
export function eurekaBranchUrl(service: string, method: string): string {
  const server = service.replace(/\/+$/, '');
  const url = (server.includes('://') ? server : `eureka://${server}`) + method;
  if (!method.startsWith('/') || server.includes('?')) {
    throw new DtmArgumentError(
      `branch URL '${redactUrls(url)}' is invalid: expected a branch as eureka://service/path`,
    );
  }
  if (!isHttpScheme(url.slice(0, url.indexOf(':')))) parseNamedUrl(url);
  return url;
}
