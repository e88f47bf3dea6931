import { DtmArgumentError } from '../errors.js';
import { jsonReader } from '../json-reader.js';

/** When a message is delivered; travels as JSON in `custom_data`. */
export interface MsgPlan {
  /** Seconds between creation and delivery. */
  readonly delaySeconds: number;
}

/**
 * Writes `custom_data` of a message; `undefined` when it is to be delivered at once.
 *
 * @param plan - when it is delivered
 */
export function encodeMsgPlan(plan: MsgPlan): string | undefined {
  return plan.delaySeconds > 0 ? JSON.stringify({ delay: plan.delaySeconds }) : undefined;
}

/**
 * Reads `custom_data` of a message.
 *
 * @param customData - JSON text, may be absent
 * @throws DtmArgumentError when it is not JSON, or the delay is not a whole number
 */
export function decodeMsgPlan(customData: string | undefined): MsgPlan {
  if (!customData) return { delaySeconds: 0 };
  let parsed: unknown;
  try {
    parsed = JSON.parse(customData);
  } catch (cause) {
    throw new DtmArgumentError('custom_data of a message must be JSON like {"delay":10}', { cause });
  }
  return { delaySeconds: parsed === null ? 0 : jsonReader(parsed, 'custom_data').count('delay') };
}
