import { readFileSync } from 'node:fs';

/** A command of a README: variables and the program. */
export interface ReadmeCommand {
  /** As the README sets them, on default ports. */
  readonly env: Readonly<Record<string, string>>;
  /** What follows the variables. */
  readonly program: string;
}

/** Where a test has what the README has on default ports, by that port. */
export type Ports = Readonly<Record<number, number>>;

const ROOT = new URL('../../../', import.meta.url);

const ASSIGNMENT = /^([A-Z_]+)=('[^']*'|[^\s']+) /;

/**
 * The commands of a section of a README, in their order.
 *
 * @param file - path in the repository
 * @param title - of the section
 */
export function readmeCommands(file: string, title: string): ReadmeCommand[] {
  const readme = readFileSync(new URL(file, ROOT), 'utf8');
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`${file} has no section ${title}`);
  return [...section.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, text = '']) => parse(text.replaceAll('\\\n', '')));
}

/**
 * Variables with the ports that a test has.
 *
 * @param env - on default ports
 * @param ports - in their place
 */
export function onPorts(env: Readonly<Record<string, string>>, ports: Ports): Record<string, string> {
  const moved = (text: string): string =>
    text.replaceAll(/(127\.0\.0\.1:)(\d+)/g, (_, host: string, port: string) => host + (ports[Number(port)] ?? port));
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, moved(value)]));
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
