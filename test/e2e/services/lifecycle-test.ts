import { expect, it, onTestFinished } from 'vitest';
import { isOpen } from '../../services/is-open.mjs';
import type { ServerControl } from '../../services/server.mjs';

/** How to start and check a server. */
export interface ServerLifecycle<Server extends ServerControl> {
  start(): Promise<Server>;
  /** Ports that must accept connections while the server runs. */
  ports(server: Server): readonly number[];
  /** Sends a simple request; throws for a wrong answer. */
  ask(server: Server): Promise<void>;
}

/** Tests the assumptions that other tests make about a kind of server. */
export function testLifecycle<Server extends ServerControl>({ start, ports, ask }: ServerLifecycle<Server>): void {
  it('starts, answers, survives a restart and a crash, and stops', async () => {
    const server = await start();
    onTestFinished(server.stop);
    const open = (): Promise<boolean[]> => Promise.all(ports(server).map(isOpen));
    const all = (value: boolean): boolean[] => ports(server).map(() => value);

    expect(await open()).toEqual(all(true));
    await ask(server);
    await server.restart();
    expect(await open()).toEqual(all(true));
    await ask(server);
    await server.kill();
    expect(await open()).toEqual(all(false));
    await server.restart();
    await ask(server);
    await server.stop();
    expect(await open()).toEqual(all(false));
  });
}
