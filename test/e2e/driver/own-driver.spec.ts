import * as grpc from '@grpc/grpc-js';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  parseHostPort,
  registerGrpcScheme,
  splitBranchUrl,
  type AddressSource,
  type DtmDriver,
} from '../../../lib/driver/index.js';
import { freePorts } from '../../services/free-ports.mjs';
import { GrpcClient, requestMessage } from '../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';

/** The registry of the example: names with numbers, and their readers. */
class Phonebook {
  readonly #entries: [name: string, number: string][] = [];
  readonly #readers = new Set<() => void>();

  add(name: string, number: string): () => void {
    const entry: [string, string] = [name, number];
    this.#entries.push(entry);
    this.#changed();
    return () => {
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      this.#changed();
    };
  }

  read(name: string, reader: (numbers: readonly string[]) => void): () => void {
    const tell = (): void => reader(this.#entries.filter(([other]) => other === name).map(([, number]) => number));
    this.#readers.add(tell);
    tell();
    return () => this.#readers.delete(tell);
  }

  #changed(): void {
    for (const tell of this.#readers) tell();
  }
}

// the example of docs/drivers.md
function phonebookDriver(phonebook: Phonebook): DtmDriver {
  const name = 'dtm-driver-phonebook';
  const source: AddressSource = {
    parse({ authority, path }) {
      if (authority || !path)
        throw new DtmArgumentError('the address has an authority or no name; expected phonebook:///name');
      return (listener) =>
        phonebook.read(path, (numbers) => listener.found(numbers.flatMap((number) => parseHostPort(number) ?? [])));
    },
  };
  return {
    name,
    registerGrpcResolver: () => registerGrpcScheme(grpc, { scheme: 'phonebook', driver: name, source }),
    async registerService(target, endpoint) {
      const [, service] = /^phonebook:\/\/\/([^/]+)$/.exec(target) ?? [];
      if (!service)
        throw new DtmConfigError(`${name}: the target "${target}" is not valid; expected phonebook:///name`);
      const remove = phonebook.add(service, endpoint);
      return { close: async () => remove() };
    },
    parseServerMethod: (uri) =>
      splitBranchUrl(uri, { driver: name, schemes: { phonebook: 'phonebook:///service/pkg.Service/Method' } }),
  };
}

describe('a driver that follows the steps of the guide', () => {
  it('lets initiators find the coordinator, and the coordinator find branches', async () => {
    const phonebook = new Phonebook();
    const driver = phonebookDriver(phonebook);
    const bank = await GrpcParticipant.start();
    bank.answer('bank.Bank/In', REPLIES.success);
    phonebook.add('bank', bank.address);

    const [grpcPort] = (await freePorts(1)) as [number];
    const server = embeddedServer({
      store: memoryStore(),
      logger: new RecordingLogger(),
      driver,
      listen: { port: 0, grpcPort },
      register: { target: 'phonebook:///dtmservice', endpoint: `127.0.0.1:${grpcPort}` },
    });
    onTestFinished(() => server.close());
    await server.open();
    server.recover();

    const client = new GrpcClient('phonebook:///dtmservice');
    const steps = [{ action: 'phonebook:///bank/bank.Bank/In' }];
    const saga = requestMessage('g1', 'saga', { steps, payloads: ['x'], TransOptions: { WaitResult: true } });
    expect(await client.answer('Submit', saga)).toBe('OK');
    expect(bank.lines).toEqual(['/bank.Bank/In 01 action']);
    await server.close();
    expect(await client.answer('NewGid')).toContain('no healthy instance is registered');
  });

  it('refuses an invalid address or target with the reason', async () => {
    const driver = phonebookDriver(new Phonebook());
    await driver.registerGrpcResolver();
    expect(() => new GrpcClient('phonebook://dtmservice')).toThrow(/expected phonebook:\/\/\/name/);
    await expect(driver.registerService('etcd://h/dtm', 'h:1')).rejects.toThrow(DtmConfigError);
  });
});
