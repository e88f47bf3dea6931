import { DtmArgumentError } from '../errors.js';
import { jsonReader, parseJson } from '../json-reader.js';

/** In what order the steps of a saga run, JSON in `custom_data`: docs/protocol.md#saga. */
export interface SagaPlan {
  /** Steps run in parallel, except where {@link orders} says otherwise; else one after the other. */
  readonly concurrent: boolean;
  /** By step (index from 0): the steps that must have succeeded before the step starts. */
  readonly orders: ReadonlyMap<number, readonly number[]>;
}

/** Steps run one after the other. */
export const SEQUENTIAL: SagaPlan = { concurrent: false, orders: new Map() };

/** Writes `custom_data` of a saga; `undefined` for a sequential saga without orders, as other SDKs do. */
export function encodeSagaPlan(plan: SagaPlan): string | undefined {
  if (!plan.concurrent && plan.orders.size === 0) return undefined;
  return JSON.stringify({ concurrent: plan.concurrent, orders: Object.fromEntries(plan.orders) });
}

/**
 * Reads and checks `custom_data` of a saga.
 *
 * @param customData - JSON text
 * @param stepCount - number of steps of the saga
 * @throws DtmArgumentError when `custom_data` is not JSON, a step does not exist, or steps wait for each other in a circle
 */
export function decodeSagaPlan(customData: string | undefined, stepCount: number): SagaPlan {
  if (!customData) return SEQUENTIAL;
  const parsed = parseJson(customData, 'custom_data of a saga', '{"concurrent":true,"orders":{"1":[0]}}');
  if (parsed === null) return SEQUENTIAL;
  const json = jsonReader(parsed, 'custom_data');
  const orders = new Map<number, readonly number[]>();
  const sentOrders = (parsed as { orders?: unknown }).orders ?? {};
  if (typeof sentOrders !== 'object' || Array.isArray(sentOrders)) {
    throw new DtmArgumentError('orders in custom_data must be an object like {"1":[0]}');
  }
  for (const [step, before] of Object.entries(sentOrders)) {
    const index = /^\d{1,9}$/.test(step) ? Number(step) : -1;
    if (before !== null && !Array.isArray(before))
      throw new DtmArgumentError(`orders["${step}"] must be an array of step indices`);
    orders.set(index, (before as number[] | null) ?? []);
  }
  const plan = { concurrent: json.boolean('concurrent'), orders };
  assertSagaPlan(plan, stepCount);
  return plan;
}

/**
 * Asserts that every step of a plan exists and that no step waits for itself, directly or through others.
 *
 * @param plan - the order of the steps
 * @param stepCount - number of steps of the saga
 * @throws DtmArgumentError naming the step
 */
export function assertSagaPlan(plan: SagaPlan, stepCount: number): void {
  for (const [step, before] of plan.orders) {
    for (const index of [step, ...before]) {
      if (!Number.isInteger(index) || index < 0 || index >= stepCount) {
        throw new DtmArgumentError(
          `branch order ${step}: step ${String(index)} does not exist; the saga has ${stepCount} steps, counted from 0`,
        );
      }
    }
  }
  const state = new Map<number, 'open' | 'done'>();
  const visit = (step: number): void => {
    // explicit stack: a saga may have thousands of steps
    const stack = [{ step, before: predecessors(plan, step), next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      state.set(top.step, 'open');
      const before = top.before[top.next++];
      if (before === undefined) {
        state.set(top.step, 'done');
        stack.pop();
      } else if (state.get(before) === 'open') {
        throw new DtmArgumentError(
          `branch orders form a circle through step ${before}, which could never start; remove one of its orders`,
        );
      } else if (!state.has(before)) {
        stack.push({ step: before, before: predecessors(plan, before), next: 0 });
      }
    }
  };
  for (const step of plan.orders.keys()) if (!state.has(step)) visit(step);
}

/** The steps (indices from 0) that must have succeeded before a step may start. */
export function predecessors(plan: SagaPlan, step: number): readonly number[] {
  const ordered = plan.orders.get(step) ?? [];
  return plan.concurrent || step === 0 ? ordered : [step - 1, ...ordered];
}
