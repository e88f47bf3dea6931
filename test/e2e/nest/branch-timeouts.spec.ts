import { Controller } from '@nestjs/common';
import {
  BranchPayload,
  DtmConfigError,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  XaBranch,
  branchOf,
  type TransactionOptions,
} from 'nestjs-dtm';
import { afterEach, expect, test } from 'vitest';
import { closeApps, startApp, type App } from './app.js';

@Controller('card')
class CardController {
  @SagaBranch({ compensate: 'refund', requestTimeoutSeconds: 30 })
  charge(@BranchPayload() _amount: number): void {}
  refund(@BranchPayload() _amount: number): void {}

  @SagaBranch({ compensate: false })
  notify(@BranchPayload() _amount: number): void {}

  @TccAction({ confirm: 'capture', cancel: 'release', requestTimeoutSeconds: 20 })
  reserve(@BranchPayload() _amount: number): void {}
  capture(@BranchPayload() _amount: number): void {}
  release(@BranchPayload() _amount: number): void {}

  @MsgBranch({ requestTimeoutSeconds: 10 })
  report(@BranchPayload() _amount: number): void {}
}

afterEach(closeApps);

const charge = branchOf(CardController, 'charge');
const timeoutsOf = ({ server }: App): Pick<TransactionOptions, 'branchTimeoutSeconds' | 'requestTimeoutSeconds'>[] =>
  server.submitted.map(({ branchTimeoutSeconds, requestTimeoutSeconds }) => ({
    branchTimeoutSeconds,
    requestTimeoutSeconds,
  }));

test('the time-out of a branch decorator goes to the coordinator, for the method and its companions', async () => {
  const app = await startApp({ controllers: [CardController] });
  const dtm = app.app.get(DtmService);
  await dtm.saga().add(charge, 1).add(branchOf(CardController, 'notify'), 1).submit();
  await dtm.msg().add(branchOf(CardController, 'report'), 1).submit();
  await dtm.tcc((tcc) => tcc.call(branchOf(CardController, 'reserve'), 1), { requestTimeoutSeconds: 5 });
  await dtm.saga().add(branchOf(CardController, 'notify'), 1).submit();
  const url = (path: string): string => `${app.url}/card/${path}`;
  expect(timeoutsOf(app)).toEqual([
    { branchTimeoutSeconds: { [url('charge')]: 30, [url('refund')]: 30 } },
    { branchTimeoutSeconds: { [url('report')]: 10 } },
    { branchTimeoutSeconds: { [url('capture')]: 20, [url('release')]: 20 }, requestTimeoutSeconds: 5 },
    {},
  ]);
});

test.each([0, -1, 0.5, Number.NaN, '30'])('a time-out of %s is refused at class definition', (seconds) => {
  const options = { requestTimeoutSeconds: seconds as number };
  for (const decorate of [SagaBranch({ compensate: false, ...options }), MsgBranch(options), XaBranch(options)]) {
    expect(() => {
      class BankController {
        pay(): void {}
      }
      const descriptor = Object.getOwnPropertyDescriptor(BankController.prototype, 'pay') as never;
      (decorate as (...args: unknown[]) => void)(BankController.prototype, 'pay', descriptor);
    }).toThrow(/BankController\.pay: requestTimeoutSeconds is .*; give a whole number of seconds, 1 or more/);
  }
  expect(() => {
    class BankController {
      @TccAction({ confirm: 'end', cancel: 'undo', ...options })
      pay(): void {}
      end(): void {}
      undo(): void {}
    }
    return BankController;
  }).toThrow(DtmConfigError);
});
