import { dtmClient } from 'nestjs-dtm/client';
import type { DriverRegistration, DtmDriver } from 'nestjs-dtm/driver';
import type { DtmConnection, TransactionRequest } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { expect, onTestFinished } from 'vitest';
import { freePorts } from '../../../services/free-ports.mjs';
import { freshName } from '../../../support/fresh-name.js';
import { Participant } from '../../../support/participant.js';
import { RecordingLogger } from '../../../support/recording-logger.js';

/** A driver that ends with the test. */
export function used(driver: DtmDriver): DtmDriver {
  onTestFinished(() => driver.close?.());
  return driver;
}

/** Registers a service until the test ends. */
export async function registered(driver: DtmDriver, target: object, address: string): Promise<DriverRegistration> {
  const registration = await driver.registerService(JSON.stringify(target), address);
  onTestFinished(() => registration.close().catch(() => undefined));
  expect(registration.problem).toBeUndefined();
  return registration;
}

/** A bank that answers every request, and its `host:port`. */
export async function startBank(): Promise<{ bank: Participant; address: string }> {
  const bank = await Participant.start();
  return { bank, address: new URL(bank.origin).host };
}

/** A client of the coordinator at a URL. */
export function clientOf(url: string, driver?: DtmDriver): DtmConnection {
  const client = dtmClient(url, { driver });
  onTestFinished(() => client.close());
  return client;
}

/** A coordinator of this package that is registered under a name. */
export async function ownCoordinator(driver: DtmDriver, target: object): Promise<{ address: string }> {
  const [port] = (await freePorts(1)) as [number];
  const address = `127.0.0.1:${port}`;
  const server = embeddedServer({
    store: memoryStore(),
    logger: new RecordingLogger(),
    driver,
    listen: { port },
    register: { target: JSON.stringify(target), endpoint: address },
  });
  onTestFinished(() => server.close());
  await server.open();
  server.recover();
  return { address };
}

/** A transfer of two steps, with waitResult. */
export function transfer(
  url: (method: string) => string,
  methods = ['TransOut', 'TransIn'],
  amount = 30,
): TransactionRequest {
  return {
    gid: freshName('g'),
    transType: 'saga',
    steps: methods.map((method) => ({ action: url(method), compensate: url(`${method}Revert`) })),
    payloads: methods.map((_, index) => JSON.stringify({ amount, userId: index + 1 })),
    waitResult: true,
  };
}
