import {
  DtmArgumentError,
  TOPIC_SCHEME,
  DtmServerError,
  MAX_ID_LENGTH,
  assertBranchUrl,
  parseIdentifier,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { assertBranchCount } from '../engine/assert-limits.js';
import type { TopicLookup } from '../engine/mode.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import { limitError } from '../settings.js';

/** Category of the key-value records that hold topics, as in Go dtm. */
const CATEGORY = 'topics';

/** A sample delivery, for the check of a subscriber's URL. */
const DELIVERY = { gid: 'gid', transType: 'msg', branchId: '01', op: 'action' } as const;

interface Subscriber {
  readonly url: string;
  readonly remark: string;
}

/**
 * The subscribers of each topic. They are read from the store each time, so that a subscription or a deletion takes effect at
 * once.
 */
export class Topics {
  readonly #environment: Pick<CoordinatorEnvironment, 'store' | 'clock' | 'transport' | 'settings'>;

  constructor(environment: Pick<CoordinatorEnvironment, 'store' | 'clock' | 'transport' | 'settings'>) {
    this.#environment = environment;
  }

  /**
   * Adds a subscriber; creates the topic when it does not exist.
   *
   * @param url - receives the messages
   * @param remark - for people
   * @throws DtmArgumentError, DtmServerError with dtm's texts; DtmArgumentError when a message to the topic would be refused
   */
  async subscribe(topic: string, url: string, remark: string): Promise<void> {
    assertTopic(topic);
    if (!url) throw new DtmArgumentError('empty url');
    // a topic serves messages over HTTP and over gRPC, so URLs of both are allowed
    assertBranchUrl(url, 'url', 'grpc');
    this.#environment.transport.check?.({ url, context: DELIVERY });
    await this.#change(topic, (subscribers) => {
      if (subscribers.some((subscriber) => subscriber.url === url)) throw new DtmServerError('this url exists');
      const all = [...subscribers, { url, remark }];
      this.#assertDeliverable(topic, all);
      return all;
    });
  }

  /**
   * Removes a subscriber.
   *
   * @param url - as it was subscribed
   * @throws DtmArgumentError, DtmServerError with dtm's texts
   */
  async unsubscribe(topic: string, url: string): Promise<void> {
    assertTopic(topic);
    if (!url) throw new DtmArgumentError('empty url');
    await this.#change(topic, (subscribers, exists) => {
      if (!exists) throw new DtmServerError('no such a topic');
      if (subscribers.length === 0) throw new DtmServerError('this topic is empty');
      const rest = subscribers.filter((subscriber) => subscriber.url !== url);
      if (rest.length === subscribers.length) throw new DtmServerError(`no such an url ${url}`);
      return rest;
    });
  }

  /**
   * Deletes a topic with all its subscribers.
   *
   * @throws DtmServerError when the topic does not exist
   */
  async deleteTopic(topic: string): Promise<void> {
    assertTopic(topic);
    if (!(await this.#environment.store.deleteKv(CATEGORY, topic))) throw new DtmServerError('storage: NotFound');
  }

  /**
   * Reads the topics to which the steps of a transaction deliver; stops when they exceed a limit.
   *
   * @param request - what the initiator sent
   * @throws DtmArgumentError that names the limit
   */
  async lookupFor({ transType, steps = [] }: TransactionRequest): Promise<TopicLookup> {
    const { store, settings } = this.#environment;
    const found = new Map<string, readonly string[]>();
    let count = steps.length;
    let bytes = 0;
    for (const { action } of steps) {
      const topic = action.startsWith(TOPIC_SCHEME) ? action.slice(TOPIC_SCHEME.length) : '';
      if (!topic || found.has(topic)) continue;
      assertBranchCount(`a ${transType}`, count, settings);
      const record = await store.getKv(CATEGORY, topic);
      const urls = record ? parseSubscribers(record.value).map(({ url }) => url) : [];
      count += Math.max(0, urls.length - 1);
      bytes += sumOfLengths(urls);
      if (bytes > settings.maxTransactionBytes) {
        throw limitError(`the subscribers of a ${transType} have ${bytes} bytes`, 'maxTransactionBytes', settings);
      }
      found.set(topic, urls);
    }
    return (topic) => found.get(topic) ?? [];
  }

  /** Each message to the topic has a branch for each subscriber, and reads all of them. */
  #assertDeliverable(topic: string, subscribers: readonly Subscriber[]): void {
    const { settings } = this.#environment;
    assertBranchCount(`a message to topic ${topic}`, subscribers.length, settings);
    const bytes = sumOfLengths(subscribers.flatMap(({ url, remark }) => [url, remark]));
    if (bytes <= settings.maxCustomDataBytes) return;
    throw limitError(`the subscribers of topic ${topic} have ${bytes} bytes`, 'maxCustomDataBytes', settings);
  }

  /** Reads, changes and writes; starts over when the record was changed in between. */
  async #change(
    topic: string,
    change: (subscribers: readonly Subscriber[], exists: boolean) => Subscriber[],
  ): Promise<void> {
    const { store, clock } = this.#environment;
    for (;;) {
      const stored = await store.getKv(CATEGORY, topic);
      const value = JSON.stringify(change(stored ? parseSubscribers(stored.value) : [], stored !== undefined));
      const now = clock.now();
      const record = {
        category: CATEGORY,
        key: topic,
        value,
        version: (stored?.version ?? 0) + 1,
        createTime: stored?.createTime ?? now,
        updateTime: now,
      };
      if (await store.putKv(record)) return;
    }
  }
}

function assertTopic(topic: string): void {
  if (!topic) throw new DtmArgumentError('empty topic');
  parseIdentifier('topic', topic, MAX_ID_LENGTH);
}

function sumOfLengths(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}

function parseSubscribers(value: string): Subscriber[] {
  return JSON.parse(value) as Subscriber[];
}
