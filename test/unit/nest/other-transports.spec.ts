import { HttpAdapterHost } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { SagaBranch } from 'nestjs-dtm';
import { firstValueFrom, of } from 'rxjs';
import { expect, test } from 'vitest';
import { BranchExceptionFilter } from '../../../lib/nest/branch/branch-exception.filter.js';
import { BranchGate } from '../../../lib/nest/branch/branch-gate.js';
import { BranchInterceptor } from '../../../lib/nest/branch/branch.interceptor.js';

class BankController {
  @SagaBranch({ compensate: false })
  pay(): void {}
}

test('a branch method that also serves another transport is left alone there', async () => {
  const host = new ExecutionContextHost([{ amount: 1 }], BankController, BankController.prototype.pay);
  host.setType('rpc');
  const interceptor = new BranchInterceptor(new BranchGate(), new HttpAdapterHost());
  expect(await firstValueFrom(await interceptor.intercept(host, { handle: () => of('answer') }))).toBe('answer');
  const error = new Error('theirs');
  expect(() => new BranchExceptionFilter(new HttpAdapterHost()).catch(error, host)).toThrow(error);
});
