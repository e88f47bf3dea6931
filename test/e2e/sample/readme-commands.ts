import { readFileSync } from 'node:fs';

/** A command of a README: variables and program. */
export interface ReadmeCommand {
  /** Variables as in the README, with default ports. */
  readonly env: Readonly<Record<string, string>>;
  /** The command after the variables. */
  readonly program: string;
}

/** Ports of the test by the default port in the README. */
export type Ports = Readonly<Record<number, number>>;

const ROOT = new URL('../../../', import.meta.url);

const ASSIGNMENT = /^([A-Z_]+)=('[^']*'|[^\s']+) /;

/**
 * Reads the commands of a README section, in order.
 *
 * @param file - path in the repository
 * @param title - title of the section
 */
export function readmeCommands(file: string, title: string): ReadmeCommand[] {
  const readme = readFileSync(new URL(file, ROOT), 'utf8');
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`${file} has no section ${title}`);
  return [...section.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, text = '']) => parse(text.replaceAll('\\\n', '')));
}

/**
 * Replaces default ports in variables.
 *
 * @param env - variables with default ports
 * @param ports - ports of the test
 */
export function onPorts(env: Readonly<Record<string, string>>, ports: Ports): Record<string, string> {
  const replacePorts = (text: string): string =>
    text.replaceAll(/(127\.0\.0\.1:)(\d+)/g, (_, host: string, port: string) => host + (ports[Number(port)] ?? port));
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, replacePorts(value)]));
}

function parse(command: string): ReadmeCommand {
  const env: Record<string, string> = {};
  let rest = command;
  for (let found = ASSIGNMENT.exec(rest); found; found = ASSIGNMENT.exec(rest)) {
    env[found[1]!] = found[2]!.replaceAll("'", '');
    rest = rest.slice(found[0].length);
  }
  return { env, program: rest };
}
