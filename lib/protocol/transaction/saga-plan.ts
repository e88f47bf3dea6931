import { DtmArgumentError } from '../errors.js';
import { jsonReader } from '../json-reader.js';

/** In what order the steps of a saga run; travels as JSON in `custom_data`. */
export interface SagaPlan {
  /** Steps run in parallel, but for {@link orders}; otherwise one after the other. */
  readonly concurrent: boolean;
  /** For a step (index from 0) the steps that must have succeeded before it starts. */
  readonly orders: ReadonlyMap<number, readonly number[]>;
}

/** Steps one after the other. */
export const SEQUENTIAL: SagaPlan = { concurrent: false, orders: new Map() };

/**
 * Writes `custom_data` of a saga; `undefined` for a sequential one without orders, as other SDKs do.
 *
 * @param plan - the order of the steps
 */
export function encodeSagaPlan(plan: SagaPlan): string | undefined {
  if (!plan.concurrent && plan.orders.size === 0) return undefined;
  return JSON.stringify({ concurrent: plan.concurrent, orders: Object.fromEntries(plan.orders) });
}

/**
 * Reads and checks `custom_data` of a saga.
 *
 * @param customData - JSON text, may be absent
 * @param stepCount - number of steps, against which indices are checked
 * @throws DtmArgumentError when it is not JSON, an index does not exist, or steps wait for each other in a circle
 */
export function decodeSagaPlan(customData: string | undefined, stepCount: number): SagaPlan {
  if (!customData) return SEQUENTIAL;
  let parsed: unknown;
  try {
    parsed = JSON.parse(customData);
  } catch (cause) {
    throw new DtmArgumentError('custom_data of a saga must be JSON like {"concurrent":true,"orders":{"1":[0]}}', {
      cause,
    });
  }
  if (parsed === null) return SEQUENTIAL;
  const json = jsonReader(parsed, 'custom_data');
  const orders = new Map<number, readonly number[]>();
  const given = (parsed as { orders?: unknown }).orders ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new DtmArgumentError('orders in custom_data must be an object like {"1":[0]}');
  }
  for (const [step, before] of Object.entries(given)) {
    const index = /^\d{1,9}$/.test(step) ? Number(step) : -1;
    if (before !== null && !Array.isArray(before))
      throw new DtmArgumentError(`orders["${step}"] must be a list of step indices`);
    orders.set(index, (before as number[] | null) ?? []);
  }
  const plan = { concurrent: json.boolean('concurrent'), orders };
  assertSagaPlan(plan, stepCount);
  return plan;
}

/**
 * Checks that every index of a plan exists and that no step waits for itself, directly or through others.
 *
 * @param plan - the order of the steps
 * @param stepCount - number of steps
 * @throws DtmArgumentError naming the offending step
 */
export function assertSagaPlan(plan: SagaPlan, stepCount: number): void {
  for (const [step, before] of plan.orders) {
    for (const index of [step, ...before]) {
      if (!Number.isInteger(index) || index < 0 || index >= stepCount) {
        throw new DtmArgumentError(
          `branch order ${step}: there is no step ${String(index)}, the saga has ${stepCount} (counted from 0)`,
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
        throw new DtmArgumentError(`branch orders form a circle through step ${before}: it could never start`);
      } else if (!state.has(before)) {
        stack.push({ step: before, before: predecessors(plan, before), next: 0 });
      }
    }
  };
  for (const step of plan.orders.keys()) if (!state.has(step)) visit(step);
}

/**
 * The steps that must have succeeded before a step may start.
 *
 * @param plan - the order of the steps
 * @param step - index from 0
 */
export function predecessors(plan: SagaPlan, step: number): readonly number[] {
  const ordered = plan.orders.get(step) ?? [];
  return plan.concurrent || step === 0 ? ordered : [step - 1, ...ordered];
}
