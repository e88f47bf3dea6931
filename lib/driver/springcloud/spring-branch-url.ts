import { DtmArgumentError } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';
import { redactUrls } from '../../support/redact-urls.js';
import { DEFAULT_GROUP } from '../support/registry/nacos/nacos-instance.js';
import { isHttpScheme, parseNamedUrl } from './named-url.js';
import type { SpringServices } from './spring-services.js';

const PARTS = /^(?:([a-z][a-z\d+.-]*):\/\/)?([^/?#]*)\/?(?:\?(.*))?$/is;

/**
 * URL of an HTTP branch that Go dtm finds.
 *
 * @param service - its name, perhaps `nacos://name?group=G&clusters=C`; or an http(s) URL
 * @param method - its path
 * @param services - where names are looked up
 * @throws DtmArgumentError when Go dtm does not find it there, saying why
 */
export function springBranchUrl(service: string, method: string, services: SpringServices | undefined): string {
  const refusal = (why: string): DtmArgumentError =>
    new DtmArgumentError(`bad url: '${redactUrls(service + method)}'. ${why}`);
  if (!method.startsWith('/')) throw refusal('the path of a branch begins with a slash');
  if (/^https?:\/\//i.test(service)) return service.replace(/\/+$/, '') + method;

  const [, scheme = 'nacos', name = '', query] = PARTS.exec(service) ?? [];
  if (parseHostPort(name)) {
    throw refusal('Go dtm with this driver calls no gRPC branches; name the service, or give http://host:port');
  }
  if (scheme.toLowerCase() === 'eureka' || services?.isKnownToGo === false) {
    throw refusal(
      "Go dtm finds no services in Eureka. Our coordinator does: tell the driver, { eureka: { coordinator: 'nestjs-dtm' } }; " +
        `for Go dtm look it up before, \`await driver.http.resolve('eureka://${name}${method}')\`, and know that it stays ` +
        'there for all retries',
    );
  }
  const options = new URLSearchParams(query);
  for (const key of options.keys()) {
    if (key === 'group' || key === 'clusters') continue;
    const why =
      key === 'groupName' ? "it reads 'group'" : 'it looks in the namespace, and as the user, of its own target';
    throw refusal(`Go dtm reads no ${JSON.stringify(key)} in the URL of a service: ${why}`);
  }
  if (options.get('group') === DEFAULT_GROUP) options.delete('group');
  if (options.getAll('clusters').join() === 'DEFAULT') options.delete('clusters');
  const added = options.size > 0 ? `${method.includes('?') ? '&' : '?'}${options}` : '';
  const url = `${scheme}://${name}${method}${added}`;
  parseNamedUrl(url);
  return url;
}

/**
 * URL of an HTTP branch that our coordinator finds in Eureka.
 *
 * @param service - its name, perhaps `eureka://name`; or an http(s) URL
 * @param method - its path
 * @throws DtmArgumentError when it is no name
 */
export function eurekaBranchUrl(service: string, method: string): string {
  const server = service.replace(/\/+$/, '');
  const url = (server.includes('://') ? server : `eureka://${server}`) + method;
  if (!method.startsWith('/') || server.includes('?')) {
    throw new DtmArgumentError(`bad url: '${redactUrls(url)}'. a branch is written eureka://service/path`);
  }
  if (!isHttpScheme(url.slice(0, url.indexOf(':')))) parseNamedUrl(url);
  return url;
}
