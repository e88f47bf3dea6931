import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import type { ServerControl } from '../../services/server.mjs';

/** A server that was started, with the ports that it was asked for. */
export interface Life<Server extends ServerControl> {
  start(): Promise<Server>;
  /** Ports at which somebody must answer as long as it runs. */
  ports(server: Server): readonly number[];
  /** Asks something simple; throws when the answer is not the right one. */
  ask(server: Server): Promise<void>;
}

/** Whether the servers of one kind are what the tests that use them take for granted. */
export function livesAs<Server extends ServerControl>({ start, ports, ask }: Life<Server>): void {
  it('starts, answers, comes back after a restart and a crash, and stops', async () => {
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

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
