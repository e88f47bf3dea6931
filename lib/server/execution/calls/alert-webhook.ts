import { DtmConfigError, isHttpUrl, type BranchRecord, type TransactionRecord } from '../../../protocol/internal.js';
import { redactUrls } from '../../../support/redact-urls.js';
import { HttpRequester } from '../../../transport/index.js';
import type { LineLimit } from '../../environment/line-limit.js';
import type { CoordinatorSettings } from '../../settings.js';

/** Maximum number of concurrent alerts. Further alerts are dropped: the next failed attempt is reported again. */
const MAX_CONCURRENT = 16;

/** Longest time for an alert in seconds, because `close()` waits for it. */
const MAX_SECONDS = 10;

/** Reports branches that fail repeatedly: docs/protocol.md#alert-webhook. */
export class AlertWebhook {
  readonly #url: string;
  readonly #settings: CoordinatorSettings;
  readonly #lineLimit: LineLimit;
  readonly #requester = new HttpRequester({ connectionsPerOrigin: 2 * MAX_CONCURRENT });
  #running = 0;

  /**
   * @param url - receives the alerts
   * @param settings - number of attempts before an alert, request time-out
   * @param lineLimit - writes about alerts that could not be delivered
   * @throws DtmConfigError when the URL is not an http or https URL
   */
  constructor(url: string, settings: CoordinatorSettings, lineLimit: LineLimit) {
    if (!URL.canParse(url) || !isHttpUrl(url)) {
      throw new DtmConfigError('embedded coordinator: alertWebhook must be an http or https URL');
    }
    this.#url = url;
    this.#settings = settings;
    this.#lineLimit = lineLimit;
  }

  /**
   * Reports a failed attempt in the background when the branch has reached `alertRetryLimit` attempts.
   *
   * @param transaction - transaction of the branch
   * @param branch - as called
   * @param error - the answer
   * @param isCircuitOpen - the circuit breaker defers further attempts, so that none of them would be reported
   */
  branchFailed({ gid, status }: TransactionRecord, branch: BranchRecord, error: string, isCircuitOpen: boolean): void {
    const { branchId, op, url, attempts = 0 } = branch;
    const isEarly = attempts + 1 < this.#settings.alertRetryLimit && !isCircuitOpen;
    if (isEarly || this.#running === MAX_CONCURRENT) return;
    this.#running++;
    const text = redactUrls(error);
    void this.#post({ branch: redactUrls(url), error: text, gid, retry_count: attempts + 1, status })
      .catch((cause: unknown) => {
        this.#lineLimit.write('warn', 'alert webhook failed', { gid, branchId, op, error: String(cause) });
      })
      .finally(() => this.#running--);
  }

  /** Waits for running alerts, at most 10 s. */
  close(): Promise<void> {
    return this.#requester.close();
  }

  async #post(alert: Readonly<Record<string, unknown>>): Promise<void> {
    const { status, unfollowedRedirect } = await this.#requester.request({
      method: 'POST',
      url: this.#url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alert),
      timeoutMs: Math.min(this.#settings.requestTimeoutSeconds, MAX_SECONDS) * 1000,
    });
    if (unfollowedRedirect !== undefined) throw new Error(unfollowedRedirect);
    if (status >= 300) throw new Error(`the webhook answered ${status}`);
  }
}
