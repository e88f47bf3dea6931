import { jsonReader, parseJson } from '../json-reader.js';

/** When a message is delivered, JSON in `custom_data`: docs/protocol.md#message. */
export interface MsgPlan {
  /** Seconds between creation and delivery. */
  readonly delaySeconds: number;
}

/** Writes `custom_data` of a message; `undefined` when the message is delivered at once. */
export function encodeMsgPlan(plan: MsgPlan): string | undefined {
  return plan.delaySeconds > 0 ? JSON.stringify({ delay: plan.delaySeconds }) : undefined;
}

/**
 * Reads `custom_data` of a message.
 *
 * @throws DtmArgumentError when `custom_data` is not JSON, or the delay is not an integer
 */
export function decodeMsgPlan(customData: string | undefined): MsgPlan {
  if (!customData) return { delaySeconds: 0 };
  const parsed = parseJson(customData, 'custom_data of a message', '{"delay":10}');
  return { delaySeconds: parsed === null ? 0 : jsonReader(parsed, 'custom_data').count('delay') };
}
