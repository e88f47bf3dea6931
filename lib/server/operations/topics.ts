import {
  DtmArgumentError,
  TOPIC_SCHEME,
  DtmServerError,
  MAX_ID_LENGTH,
  checkBranchUrl,
  checkIdentifier,
  type TransactionRequest,
} from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';
import type { Clock } from '../environment/clock.js';
import type { TopicLookup } from '../engine/mode.js';
import type { Store } from '../store/store.js';

/** Category of the kept values that hold topics. */
const CATEGORY = 'topics';

/** A delivery, as far as it matters for whether a subscriber can be called. */
const DELIVERY = { gid: 'gid', transType: 'msg', branchId: '01', op: 'action' } as const;

interface Subscriber {
  readonly url: string;
  readonly remark: string;
}

/**
 * The subscribers of each topic: docs/protocol.md#topics. They are read from the store whenever they are needed, so that a
 * subscription counts at once, and a deleted topic is gone at once.
 */
export class Topics {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #transport: Pick<Transport, 'check'>;

  constructor(store: Store, clock: Clock, transport: Pick<Transport, 'check'> = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#transport = transport;
  }

  /**
   * Adds a subscriber.
   *
   * @param topic - name, made when it does not exist
   * @param url - where messages go
   * @param remark - for people
   * @throws DtmArgumentError, DtmServerError with dtm's texts
   */
  async subscribe(topic: string, url: string, remark: string): Promise<void> {
    assertTopic(topic);
    if (!url) throw new DtmArgumentError('empty url');
    // one of gRPC takes the messages of any transaction
    checkBranchUrl(url, 'url', 'grpc');
    this.#transport.check?.({ url, context: DELIVERY });
    await this.#change(topic, (subscribers) => {
      if (subscribers.some((subscriber) => subscriber.url === url)) throw new DtmServerError('this url exists');
      return [...subscribers, { url, remark }];
    });
  }

  /**
   * Takes a subscriber away.
   *
   * @param topic - name
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
   * @param topic - name
   * @throws DtmServerError when it does not exist
   */
  async deleteTopic(topic: string): Promise<void> {
    assertTopic(topic);
    if (!(await this.#store.deleteKv(CATEGORY, topic))) throw new DtmServerError('storage: NotFound');
  }

  /**
   * Reads the topics that a transaction's steps go to.
   *
   * @param request - what the initiator sent
   */
  async lookupFor(request: TransactionRequest): Promise<TopicLookup> {
    const found = new Map<string, readonly string[]>();
    for (const { action } of request.steps ?? []) {
      const topic = action.startsWith(TOPIC_SCHEME) ? action.slice(TOPIC_SCHEME.length) : '';
      if (!topic || found.has(topic)) continue;
      const record = await this.#store.getKv(CATEGORY, topic);
      found.set(topic, record ? parseSubscribers(record.value).map(({ url }) => url) : []);
    }
    return (topic) => found.get(topic) ?? [];
  }

  /** Reads, changes and writes; when somebody else was faster, all over again. */
  async #change(
    topic: string,
    change: (subscribers: readonly Subscriber[], exists: boolean) => Subscriber[],
  ): Promise<void> {
    for (;;) {
      const stored = await this.#store.getKv(CATEGORY, topic);
      const value = JSON.stringify(change(stored ? parseSubscribers(stored.value) : [], stored !== undefined));
      const now = this.#clock.now();
      const record = {
        category: CATEGORY,
        key: topic,
        value,
        version: (stored?.version ?? 0) + 1,
        createTime: stored?.createTime ?? now,
        updateTime: now,
      };
      if (await this.#store.putKv(record)) return;
    }
  }
}

function assertTopic(topic: string): void {
  if (!topic) throw new DtmArgumentError('empty topic');
  checkIdentifier('topic', topic, MAX_ID_LENGTH);
}

function parseSubscribers(value: string): Subscriber[] {
  return JSON.parse(value) as Subscriber[];
}
