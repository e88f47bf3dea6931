import { readFileSync } from 'node:fs';
import { DtmConfigError, errorText } from '../../protocol/internal.js';
import { parseHostPort, type HostPort } from '../../support/host-port.js';
import { requirePackage } from '../../support/load-package.js';

/** The file that the Go driver reads, in the working directory. */
const FILE = 'polaris.yaml';

/** Variables of the newer Go driver, whose names have dashes. */
const HOST = 'DTM-MICRO-SERVICE-POLARIS-HOST';
const PORT = 'DTM-MICRO-SERVICE-POLARIS-PROVIDERPORT';

/** The gRPC port of Polaris. */
const DEFAULT_PORT = 8091;

/**
 * Finds the servers of Polaris in the option, in the environment, or in the file of the Go driver.
 *
 * @param option - `host:port` of each server
 * @param env - environment of the process
 * @throws DtmConfigError when none of them names a server, or a server is not an address
 */
export function findPolarisServers(
  option: readonly string[] | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): readonly HostPort[] {
  const servers = option ?? inEnvironment(env) ?? inFile();
  if (servers.length === 0) throw refusal('no server of Polaris is configured');
  return servers.map((server) => {
    const address = parseHostPort(server) ?? parseHostPort(`${server}:${DEFAULT_PORT}`);
    if (address) return address;
    throw refusal(`the server ${JSON.stringify(server)} of Polaris is not host:port`);
  });
}

function inEnvironment(env: Readonly<Record<string, string | undefined>>): readonly string[] | undefined {
  return env[HOST] ? [`${env[HOST]}:${env[PORT] || DEFAULT_PORT}`] : undefined;
}

function inFile(): readonly string[] {
  let text;
  try {
    text = readFileSync(FILE, 'utf8');
  } catch (error) {
    throw refusal(`no server of Polaris is configured (${errorText(error)})`);
  }
  let addresses: unknown;
  try {
    // loaded here, because only a user with the file needs it
    const { parse } = requirePackage<typeof import('yaml')>('yaml', FILE);
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
    `driver dtm-driver-polaris: ${why}; create the driver with polarisDriver({ servers: ['host:8091'] }), or write ` +
      `${FILE} in the working directory with global.serverConnector.addresses`,
  );
}
