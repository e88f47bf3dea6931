import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DtmConfigError, errorText } from '../../protocol/internal.js';
import { formatHostPort, parseHostPort } from '../../support/host-port.js';

/** Where the Go driver looks, in the working directory. */
const FILE = 'polaris.yaml';

/** Settings of the newer Go driver, which have dashes in their names. */
const HOST = 'DTM-MICRO-SERVICE-POLARIS-HOST';
const PORT = 'DTM-MICRO-SERVICE-POLARIS-PROVIDERPORT';

/** Of gRPC. */
const DEFAULT_PORT = 8091;

/**
 * Where the servers of Polaris are: from the option, or from where the Go drivers read it.
 *
 * @param option - `host:port` each
 * @param env - environment of the process
 * @returns separated by commas
 * @throws DtmConfigError when nobody says it, or it is no address
 */
export function polarisServers(
  option: readonly string[] | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const servers = option ?? inEnvironment(env) ?? inFile();
  const addresses = servers.map((server) => parseHostPort(server) ?? parseHostPort(`${server}:${DEFAULT_PORT}`));
  const bad = servers.find((_, index) => !addresses[index]);
  if (bad !== undefined) throw refusal(`the server ${JSON.stringify(bad)} of Polaris is no host:port`);
  if (addresses.length === 0) throw refusal('no server of Polaris is given');
  return addresses.map((address) => formatHostPort(address!)).join();
}

function inEnvironment(env: Readonly<Record<string, string | undefined>>): readonly string[] | undefined {
  return env[HOST] ? [`${env[HOST]}:${env[PORT] || DEFAULT_PORT}`] : undefined;
}

function inFile(): readonly string[] {
  let text;
  try {
    text = readFileSync(FILE, 'utf8');
  } catch (error) {
    throw refusal(`no server of Polaris is given (${errorText(error)})`);
  }
  let addresses: unknown;
  try {
    // here, as only those need it who have such a file
    const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    const settings = parse(text) as { global?: { serverConnector?: { addresses?: unknown } } } | null;
    addresses = settings?.global?.serverConnector?.addresses;
  } catch (error) {
    throw refusal(`${FILE} cannot be read: ${errorText(error).split('\n', 1)[0]}`);
  }
  if (Array.isArray(addresses) && addresses.length > 0) return addresses.map(String);
  throw refusal(`${FILE} has no list global.serverConnector.addresses`);
}

function refusal(why: string): DtmConfigError {
  return new DtmConfigError(
    `driver dtm-driver-polaris: ${why}; give polarisDriver({ servers: ['host:8091'] }), or ${FILE} in the working ` +
      'directory with global.serverConnector.addresses',
  );
}
