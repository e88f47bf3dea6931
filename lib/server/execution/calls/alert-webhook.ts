import { DtmConfigError, isHttpUrl, type BranchRecord, type TransactionRecord } from '../../../protocol/internal.js';
import { redactUrls } from '../../../support/redact-urls.js';
import { HttpRequester } from '../../../transport/index.js';
import type { CoordinatorLogger } from '../../environment/coordinator-logger.js';
import type { CoordinatorSettings } from '../../settings.js';

/** Most alerts under way; while a webhook is too slow for more, further ones are dropped: each failed try is reported anew. */
const MAX_CONCURRENT = 16;

/** Longest time for an alert, in seconds: whoever stops the coordinator waits for it. */
const MAX_SECONDS = 10;

/** Reports branches that give no decision again and again: docs/protocol.md#alert-webhook. */
export class AlertWebhook {
  readonly #url: string;
  readonly #settings: CoordinatorSettings;
  readonly #logger: CoordinatorLogger;
  readonly #requester = new HttpRequester({ connectionsPerOrigin: MAX_CONCURRENT });
  #running = 0;

  /**
   * Makes alerts.
   *
   * @param url - where they are posted
   * @param settings - retry limit, request timeout
   * @param logger - told when the webhook does not take one
   * @throws DtmConfigError when the URL is not one of HTTP
   */
  constructor(url: string, settings: CoordinatorSettings, logger: CoordinatorLogger) {
    if (!URL.canParse(url) || !isHttpUrl(url)) {
      throw new DtmConfigError('embedded coordinator: alertWebhook must be an http or https URL');
    }
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
   * @param isLast - its target is being left alone from now on, so that no further try would be reported
   */
  branchFailed({ gid, status }: TransactionRecord, branch: BranchRecord, error: string, isLast: boolean): void {
    const { branchId, op, url, attempts = 0 } = branch;
    const isEarly = attempts + 1 < this.#settings.alertRetryLimit && !isLast;
    if (isEarly || this.#running === MAX_CONCURRENT) return;
    this.#running++;
    const text = redactUrls(error);
    void this.#post({ branch: redactUrls(url), error: text, gid, retry_count: attempts + 1, status })
      .catch((cause: unknown) => this.#logger.warn('alert webhook failed', { gid, branchId, op, error: String(cause) }))
      .finally(() => this.#running--);
  }

  /** Waits for those under way, at most 10 s. */
  close(): Promise<void> {
    return this.#requester.close();
  }

  async #post(alert: Readonly<Record<string, unknown>>): Promise<void> {
    const { status } = await this.#requester.request({
      method: 'POST',
      url: this.#url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alert),
      timeoutMs: Math.min(this.#settings.requestTimeoutSeconds, MAX_SECONDS) * 1000,
    });
    if (status >= 300) throw new Error(`it answered ${status}`);
  }
}
