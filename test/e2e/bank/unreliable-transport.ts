import { httpTransport, type OutgoingBranchCall, type Transport } from 'nestjs-dtm/client';

/**
 * Wraps a transport with network faults: calls are duplicated, at once or late; calls arrive after their time-out, even
 * after their compensation; answers are lost.
 *
 * @param random - seeded random numbers
 * @param inner - the transport that delivers the calls
 */
export function unreliableTransport(
  random: () => number,
  inner: Transport = httpTransport(),
): Transport & { settle(): Promise<void> } {
  const late: OutgoingBranchCall[] = [];
  const running = new Set<Promise<unknown>>();
  const deliver = (call: OutgoingBranchCall) => {
    const delivery = inner.call(call).finally(() => running.delete(delivery));
    running.add(delivery);
    return delivery;
  };
  return {
    async call(call) {
      // a delayed call arrives before this call, or at the same time
      if (late.length > 0 && random() < 0.5) void deliver(late.splice(Math.floor(random() * late.length), 1)[0]!);
      const sample = random();
      if (sample < 0.1) {
        void deliver(call);
        return deliver(call);
      }
      if (sample < 0.2) {
        late.push(call);
        return deliver(call);
      }
      if (sample < 0.27) {
        late.push(call);
        return { kind: 'unknown', message: 'no answer: delayed by the test' };
      }
      if (sample < 0.34) {
        await deliver(call);
        return { kind: 'unknown', message: 'no answer: dropped by the test' };
      }
      return deliver(call);
    },
    async settle() {
      while (late.length > 0) await deliver(late.pop()!);
      while (running.size > 0) await Promise.allSettled(running);
    },
    close: () => inner.close(),
  };
}
