import { httpTransport, type OutgoingBranchCall, type Transport } from 'nestjs-dtm/client';

/**
 * A network that misbehaves: calls arrive twice, at the same time or long after; they arrive after the coordinator has
 * given up on them, even after their compensation; answers get lost.
 *
 * @param random - seeded
 * @param inner - delivers
 */
export function unrulyTransport(
  random: () => number,
  inner: Transport = httpTransport(),
): Transport & { settle(): Promise<void> } {
  const late: OutgoingBranchCall[] = [];
  const underWay = new Set<Promise<unknown>>();
  const deliver = (call: OutgoingBranchCall) => {
    const delivery = inner.call(call).finally(() => underWay.delete(delivery));
    underWay.add(delivery);
    return delivery;
  };
  return {
    async call(call) {
      // something that was held back before overtakes, or comes in together with, this call
      if (late.length > 0 && random() < 0.5) void deliver(late.splice(Math.floor(random() * late.length), 1)[0]!);
      const dice = random();
      if (dice < 0.1) {
        void deliver(call);
        return deliver(call);
      }
      if (dice < 0.2) {
        late.push(call);
        return deliver(call);
      }
      if (dice < 0.27) {
        late.push(call);
        return { kind: 'unknown', message: 'no answer: held back by the test' };
      }
      if (dice < 0.34) {
        await deliver(call);
        return { kind: 'unknown', message: 'no answer: lost by the test' };
      }
      return deliver(call);
    },
    async settle() {
      while (late.length > 0) await deliver(late.pop()!);
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    close: () => inner.close(),
  };
}
