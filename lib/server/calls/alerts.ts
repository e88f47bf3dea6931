import type { BranchRecord, TransactionRecord } from '../../protocol/index.js';
import { HttpRequester } from '../../transport/index.js';
import type { CoordinatorLogger } from '../logger.js';
import type { CoordinatorSettings } from '../settings.js';

/** Most alerts under way; while a webhook is too slow for more, further ones are dropped: each failed try is reported anew. */
const MAX_UNDER_WAY = 16;

/** Tells people about branches that give no decision again and again (`dtm-protocol.md` §10.5). */
export class Alerts {
  readonly #url: string;
  readonly #settings: CoordinatorSettings;
  readonly #logger: CoordinatorLogger;
  readonly #requester = new HttpRequester({ connectionsPerOrigin: MAX_UNDER_WAY });
  #underWay = 0;

  /**
   * Makes alerts.
   *
   * @param url - where they are posted
   * @param settings - retry limit, request timeout
   * @param logger - told when the webhook does not take one
   */
  constructor(url: string, settings: CoordinatorSettings, logger: CoordinatorLogger) {
    this.#url = url;
    this.#settings = settings;
    this.#logger = logger;
  }

  /**
   * Reports a branch once it has been tried often enough. Nobody waits for it.
   *
   * @param transaction - that it belongs to
   * @param branch - as it was called
   * @param error - what it answered
   */
  branchFailed({ gid, status }: TransactionRecord, branch: BranchRecord, error: string): void {
    const attempts = (branch.attempts ?? 0) + 1;
    if (attempts < this.#settings.alertRetryLimit || this.#underWay === MAX_UNDER_WAY) return;
    this.#underWay++;
    void this.#post(JSON.stringify({ branch: branch.url, error, gid, retry_count: attempts, status }))
      .catch((cause: unknown) => this.#logger.warn('alert webhook failed', { gid, error: String(cause) }))
      .finally(() => this.#underWay--);
  }

  /** Waits for those under way. */
  close(): Promise<void> {
    return this.#requester.close();
  }

  async #post(body: string): Promise<void> {
    const { status } = await this.#requester.request({
      method: 'POST',
      url: this.#url,
      headers: { 'content-type': 'application/json' },
      body,
      timeoutMs: this.#settings.requestTimeoutSeconds * 1000,
    });
    if (status >= 300) throw new Error(`it answered ${status}`);
  }
}
