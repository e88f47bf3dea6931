import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { get, post } from '../../support/http-client.js';
import { Participant } from '../../support/participant.js';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';
import { CoordinatorProcess } from '../bank/coordinator-process.js';
import { FAILING_DISKS, type Disk } from './disk/disks.js';

vi.setConfig({ testTimeout: 60_000 });

/** A coordinator process on a disk, and the answers to its initiators. */
class Fixture {
  readonly acknowledged = new Set<string>();
  readonly refused = new Set<string>();
  readonly #disk: Disk;
  readonly #coordinator: CoordinatorProcess;
  readonly #participant: Participant;

  private constructor(disk: Disk, coordinator: CoordinatorProcess, participant: Participant) {
    this.#disk = disk;
    this.#coordinator = coordinator;
    this.#participant = participant;
  }

  static async on(disk: Disk): Promise<Fixture> {
    const coordinator = await CoordinatorProcess.create(join(disk.folder, 'dtm.db'), disk.env);
    onTestFinished(() => coordinator.kill());
    await coordinator.start();
    return new Fixture(disk, coordinator, await Participant.start());
  }

  get participant(): Participant {
    return this.#participant;
  }

  fail(): void {
    this.#disk.fail(this.#coordinator.pid, this.#coordinator.path);
  }

  mend(): void {
    this.#disk.mend(this.#coordinator.isRunning ? this.#coordinator.pid : undefined);
  }

  kill(): Promise<void> {
    return this.#coordinator.kill();
  }

  start(): Promise<void> {
    return this.#coordinator.start();
  }

  async submit(gid: string, change: object = {}): Promise<{ status: number; body: string }> {
    const steps = [{ action: this.#participant.url(`/${gid}`), compensate: this.#participant.url(`/${gid}/undo`) }];
    const body = { gid, trans_type: 'saga', steps, payloads: ['x'.repeat(3000)], ...change };
    const answer = await post(`${this.#coordinator.origin}/api/dtmsvr/submit`, body);
    if (answer.status === 200) this.acknowledged.add(gid);
    else this.refused.add(gid);
    return answer;
  }

  /** Submits until a number of transactions was refused, some of them concurrently. */
  async submitUntilRefused(count: number): Promise<void> {
    for (let round = 0; this.refused.size < count; round++) {
      expect(round).toBeLessThan(1000);
      const gids = Array.from({ length: 1 + (round % 3) }, (_, index) => `broken-${round}-${index}`);
      for (const { status, body } of await Promise.all(gids.map((gid) => this.submit(gid)))) {
        if (status === 200) continue;
        expect(status).toBe(500);
        const [, id] = /internal error ([\da-f]{12});/.exec(body) ?? [];
        // the log shows the fields of an entry as an object
        const logged = new RegExp(`id: '${id}',[^}]*the store could not write [^}]*; nothing was stored, try again`);
        await waitUntil(async () => logged.test(this.#coordinator.errors));
      }
    }
  }

  async statusOf(gid: string): Promise<string | undefined> {
    const { status, body } = await get(`${this.#coordinator.origin}/api/dtmsvr/query?gid=${gid}`);
    expect(status).toBe(200);
    return (JSON.parse(body) as { transaction: { status: string } | null }).transaction?.status;
  }

  /** Acknowledged transactions end, refused transactions are unknown. */
  async expectKept(): Promise<void> {
    for (const gid of this.acknowledged) await waitUntil(async () => (await this.statusOf(gid)) === 'succeed');
    for (const gid of this.refused) {
      expect(await this.statusOf(gid), gid).toBeUndefined();
      expect(this.#participant.to(`/${gid}`), gid).toEqual([]);
    }
  }

  /** Waits for the answer of a probe. */
  async expectPing(status: number): Promise<void> {
    await waitUntil(async () => (await get(`${this.#coordinator.origin}/api/ping`)).status === status);
  }

  async expectAnswering(): Promise<void> {
    for (const path of ['/api/dtmsvr/newGid', '/api/dtmsvr/all?limit=1']) {
      expect((await get(this.#coordinator.origin + path)).status).toBe(200);
    }
  }
}

for (const { title, isAvailable, make } of FAILING_DISKS) {
  describe.skipIf(!isAvailable)(`a disk ${title}`, () => {
    it('makes the coordinator refuse new transactions, but not stop serving, and continue when the disk is repaired', async () => {
      const fixture = await Fixture.on(make());
      for (let index = 0; index < 5; index++) await fixture.submit(`before-${index}`, { wait_result: true });
      expect(fixture.acknowledged.size).toBe(5);

      fixture.fail();
      await fixture.submitUntilRefused(12);
      await fixture.expectAnswering();
      await fixture.expectPing(503);
      expect(await fixture.statusOf('before-0')).toBe('succeed');

      fixture.mend();
      await fixture.expectPing(200);
      expect((await fixture.submit('after', { wait_result: true })).status).toBe(200);
      await fixture.expectKept();
      // a refused gid is still free
      const [again] = fixture.refused;
      fixture.refused.delete(again!);
      expect((await fixture.submit(again!, { wait_result: true })).status).toBe(200);

      await fixture.kill();
      await fixture.start();
      await fixture.expectKept();
    });

    it('does not bring back refused transactions when the coordinator dies before the repair', async () => {
      const fixture = await Fixture.on(make());
      for (let index = 0; index < 5; index++) await fixture.submit(`before-${index}`);
      fixture.fail();
      await fixture.submitUntilRefused(4);
      await fixture.kill();
      fixture.mend();
      await fixture.start();
      await fixture.expectKept();
    });

    it('does not lose a running transaction when an answer could not be stored', async () => {
      const fixture = await Fixture.on(make());
      const answered = deferred();
      fixture.participant.answer('/held', async () => {
        await answered.promise;
        return {};
      });
      await fixture.submit('held');
      await fixture.participant.received(1);
      fixture.fail();
      await fixture.submitUntilRefused(1);
      answered.resolve();
      await fixture.submitUntilRefused(3);
      expect(await fixture.statusOf('held')).toBe('submitted');
      fixture.mend();
      await fixture.submit('after', { wait_result: true });
      // as after its lease, but earlier
      await fixture.kill();
      await fixture.start();
      await fixture.expectKept();
      expect(fixture.participant.to('/held').length).toBeGreaterThanOrEqual(1);
    });
  });
}

describe('a file that another process has opened', () => {
  it('is refused with a remedy until that process has died', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await CoordinatorProcess.create(path);
    onTestFinished(() => first.kill());
    await first.start();
    const second = await CoordinatorProcess.create(path);
    onTestFinished(() => second.kill());
    await expect(second.start()).rejects.toThrow(
      `store file ${path} is in use by another process: only one coordinator can open a store; stop the other process or use another path`,
    );
    expect((await get(`${first.origin}/api/ping`)).status).toBe(200);
    const body = { gid: 'g', trans_type: 'tcc' };
    expect((await post(`${first.origin}/api/dtmsvr/prepare`, body)).status).toBe(200);

    await first.kill();
    await second.start();
    expect((await get(`${second.origin}/api/dtmsvr/query?gid=g`)).body).toContain('"status":"prepared"');
  });
});
