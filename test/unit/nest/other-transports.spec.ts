import { HttpAdapterHost } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { SagaBranch } from 'nestjs-dtm';
import { expect, test } from 'vitest';
import { BranchExceptionFilter } from '../../../lib/nest/branch/serve/branch-exception.filter.js';
import { BranchGuard } from '../../../lib/nest/branch/serve/branch.guard.js';
import { InFlightBranches } from '../../../lib/nest/branch/serve/in-flight-branches.js';
import { parseDtmOptions } from '../../../lib/nest/options/parse-dtm-options.js';

class BankController {
  @SagaBranch({ compensate: false })
  pay(amount: number): number {
    return amount;
  }
}

test('a branch method that also serves another transport is left alone there', () => {
  const host = new ExecutionContextHost([{ amount: 1 }], BankController, BankController.prototype.pay);
  host.setType('rpc');
  const settings = parseDtmOptions({ server: 'http://dtm:36789' });
  const guard = new BranchGuard(new InFlightBranches(), settings, new HttpAdapterHost());
  expect(guard.canActivate(host)).toBe(true);
  // Nest passes null for the request that the method asks for
  expect(Reflect.apply(BankController.prototype.pay, new BankController(), [1, null])).toBe(1);
  const error = new Error('theirs');
  expect(() => new BranchExceptionFilter(new HttpAdapterHost(), settings).catch(error, host)).toThrow(error);
});
