/** Compiled, never run: branches that the compiler accepts and refuses. */
import { Controller } from '@nestjs/common';
import {
  Barrier,
  Branch,
  BranchBarrier,
  BranchPayload,
  MsgBranch,
  SagaBranch,
  TccAction,
  Xa,
  XaBranch,
  branchOf,
  type BranchContext,
  type BranchRef,
  type DtmModuleOptions,
  type DtmService,
  type PayloadOf,
  type XaParticipant,
} from 'nestjs-dtm';
import { type } from 'arktype';
import { of } from 'rxjs';
import * as v from 'valibot';
import { z } from 'zod';

interface Transfer {
  readonly userId: number;
  readonly amount: number;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const equal = <A, B>(_same: Equal<A, B>): void => undefined;
const typeOf = <P, R>(_ref: BranchRef<P, R>): { payload: P; result: R } => ({}) as { payload: P; result: R };

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoTransOut' })
  async transOut(@BranchPayload() _transfer: Transfer, @Barrier() _barrier: BranchBarrier): Promise<void> {}
  async undoTransOut(@BranchPayload() _transfer: Transfer): Promise<void> {}

  @SagaBranch({ compensate: false })
  notify(@Branch() _context: BranchContext): void {}

  @SagaBranch({ compensate: 'undoPartly' })
  partly(@BranchPayload() _transfer: Transfer): void {}
  /** Declares fewer fields than its payload has. */
  undoPartly(@BranchPayload() _user: Pick<Transfer, 'userId'>, @Branch() _context: BranchContext): void {}

  @SagaBranch({ compensate: 'undoAny' })
  any(@BranchPayload() _transfer: Transfer): void {}
  undoAny(@BranchPayload() _anything: unknown): void {}

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async freeze(@BranchPayload() _transfer: Transfer): Promise<{ frozen: number }> {
    return { frozen: 1 };
  }
  confirm(@Barrier() _barrier: BranchBarrier): void {}
  cancel(): void {}

  @TccAction({ confirm: 'confirmMaybe', cancel: 'cancelMaybe' })
  maybe(@BranchPayload() _transfer?: Transfer) {
    return of('x');
  }
  confirmMaybe(@BranchPayload() _transfer: Transfer | undefined): void {}
  cancelMaybe(): void {}

  @MsgBranch()
  transIn(@BranchPayload() _transfer: Transfer): void {}

  @XaBranch()
  async pay(@BranchPayload() _transfer: Transfer, @Xa() xa: XaParticipant<string>): Promise<number | undefined> {
    return xa.call(async (connection) => connection.length);
  }
  @XaBranch()
  tick(@Xa() _xa: XaParticipant<string>): void {}

  protected hidden(): void {}
  readonly field = 1;
}

class Wrong {
  // @ts-expect-error -- unknown method
  @SagaBranch({ compensate: 'undo' })
  a(): void {}

  // @ts-expect-error -- another payload
  @SagaBranch({ compensate: 'undoB' })
  b(@BranchPayload() _transfer: Transfer): void {}
  undoB(@BranchPayload() _name: string): void {}

  // @ts-expect-error -- expects a payload that the action does not have
  @SagaBranch({ compensate: 'undoC' })
  c(@Barrier() _barrier: BranchBarrier): void {}
  undoC(@BranchPayload() _transfer: Transfer): void {}

  // @ts-expect-error -- not a method
  @SagaBranch({ compensate: 'field' })
  d(): void {}
  readonly field = 1;

  // @ts-expect-error -- the compensation is missing
  @SagaBranch({})
  e(): void {}

  // @ts-expect-error -- true is not a method
  @SagaBranch({ compensate: true })
  f(): void {}

  // @ts-expect-error -- the cancel is missing
  @TccAction({ confirm: 'confirmG' })
  g(): void {}

  // @ts-expect-error -- the cancel has another payload
  @TccAction({ confirm: 'confirmG', cancel: 'cancelG' })
  h(@BranchPayload() _transfer: Transfer): void {}
  confirmG(): void {}
  cancelG(@BranchPayload() _name: string): void {}

  // @ts-expect-error -- the action's payload is optional, the compensation's is not
  @SagaBranch({ compensate: 'undoI' })
  i(@BranchPayload() _transfer?: Transfer): void {}
  undoI(@BranchPayload() _transfer: Transfer): void {}

  // @ts-expect-error -- a branch is a method
  @SagaBranch({ compensate: false })
  readonly j = 1;
}
void Wrong;

const transOut = typeOf(branchOf(BankController, 'transOut'));
equal<typeof transOut, { payload: Transfer; result: undefined }>(true);
const notify = typeOf(branchOf(BankController, 'notify'));
equal<typeof notify, { payload: undefined; result: undefined }>(true);
const freeze = typeOf(branchOf(BankController, 'freeze', { at: 'http://bank2' }));
equal<typeof freeze, { payload: Transfer; result: { frozen: number } }>(true);
const maybe = typeOf(branchOf(BankController, 'maybe'));
equal<typeof maybe, { payload: Transfer | undefined; result: string }>(true);

// @ts-expect-error -- unknown method
branchOf(BankController, 'transout');
// @ts-expect-error -- protected
branchOf(BankController, 'hidden');
// @ts-expect-error -- not a method
branchOf(BankController, 'field');

export async function initiator(dtm: DtmService): Promise<void> {
  const transfer: Transfer = { userId: 1, amount: 30 };
  dtm.saga().add(branchOf(BankController, 'transOut'), transfer).add(branchOf(BankController, 'notify'));
  dtm
    .saga()
    .add({ action: 'http://bank/a', compensate: 'http://bank/b' }, { anything: true })
    .add({ action: 'http://bank/a' });
  // @ts-expect-error -- a payload that the handler does not accept
  dtm.saga().add(branchOf(BankController, 'transOut'), { userId: '1' });
  // @ts-expect-error -- the payload is missing
  dtm.saga().add(branchOf(BankController, 'transOut'));

  const frozen = await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), transfer));
  equal<typeof frozen, { frozen: number }>(true);
  // @ts-expect-error -- a payload that the handler does not accept
  await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), 30));
}

export async function messagesAndXa(dtm: DtmService, transfer: Transfer): Promise<void> {
  dtm.msg().add(branchOf(BankController, 'transIn'), transfer).add('http://bank/in', 1).add('http://bank/in');
  // @ts-expect-error -- a payload that the handler does not accept
  dtm.msg().add(branchOf(BankController, 'transIn'), 30);
  // @ts-expect-error -- the payload is missing
  dtm.msg().add(branchOf(BankController, 'transIn'));
  const paid = await dtm.xa((xa) => xa.call(branchOf(BankController, 'pay'), transfer));
  equal<typeof paid, number | undefined>(true);
  await dtm.xa((xa) => xa.call(branchOf(BankController, 'tick')));
  // @ts-expect-error -- a payload that the handler does not accept
  await dtm.xa((xa) => xa.call(branchOf(BankController, 'pay'), 30));
}

export const options: DtmModuleOptions[] = [
  { server: 'http://dtm:36789', driver: 'default', endpoint: { http: 'http://bank:3000' } },
  { server: 'http://dtm:36789', driver: 'dtm-driver-gozero' },
  // @ts-expect-error -- not a driver name or driver
  { server: 'http://dtm:36789', driver: 1 },
  // @ts-expect-error -- the server is missing
  { driver: 'default' },
];

const Plain = z.object({ amount: z.number() });
const Converted = z.object({ day: z.string().transform((text) => new Date(text)) });
const Defaulted = v.object({ amount: v.optional(v.number(), 1) });
const Parsed = type({ day: 'string.date.parse' });
const Text = v.pipe(v.string(), v.transform(Number));

@Controller('schemas')
class SchemaController {
  /** Input and output are the same. */
  @SagaBranch({ compensate: 'undoPlain' })
  plain(@BranchPayload({ schema: Plain }) _payload: z.infer<typeof Plain>): void {}
  undoPlain(@BranchPayload() _payload: { amount: number }): void {}

  @SagaBranch({ compensate: 'undoConverted' })
  converted(@BranchPayload({ schema: Converted }) payload: PayloadOf<typeof Converted>): void {
    equal<typeof payload.day, Date>(true);
  }
  undoConverted(@BranchPayload({ schema: Converted }) _payload: PayloadOf<typeof Converted>): void {}

  /** Callers may give what the output is. */
  @MsgBranch()
  defaulted(@BranchPayload({ schema: Defaulted }) _payload: v.InferOutput<typeof Defaulted>): void {}
  @MsgBranch()
  defaultedByCaller(@BranchPayload({ schema: Defaulted }) _payload: PayloadOf<typeof Defaulted>): void {}

  @MsgBranch()
  parsed(@BranchPayload({ schema: Parsed }) _payload: PayloadOf<typeof Parsed>): void {}

  @MsgBranch()
  text(@BranchPayload({ schema: Text }) count: PayloadOf<typeof Text>): void {
    equal<number, typeof count extends number ? number : never>(true);
  }

  @MsgBranch()
  optional(
    @BranchPayload({ schema: v.optional(Text) }) _count: PayloadOf<v.OptionalSchema<typeof Text, undefined>>,
  ): void {}

  @MsgBranch()
  anything(@BranchPayload({ schema: Plain }) _payload: any): void {}
}

class WrongSchema {
  @MsgBranch()
  // @ts-expect-error -- the schema gives a number
  a(@BranchPayload({ schema: Plain }) _payload: { amount: string }): void {}

  @MsgBranch()
  // @ts-expect-error -- callers would give a Date, which the schema refuses
  b(@BranchPayload({ schema: Converted }) _payload: z.output<typeof Converted>): void {}

  // @ts-expect-error -- the compensation has no schema, and gets a text instead of a Date
  @SagaBranch({ compensate: 'undoC' })
  c(@BranchPayload({ schema: Converted }) _payload: PayloadOf<typeof Converted>): void {}
  undoC(@BranchPayload() _payload: { day: Date }): void {}

  @MsgBranch()
  // @ts-expect-error -- a schema is no pipe
  d(@BranchPayload(Plain) _payload: z.infer<typeof Plain>): void {}
}
void WrongSchema;

const plain = typeOf(branchOf(SchemaController, 'plain'));
equal<typeof plain, { payload: { amount: number }; result: undefined }>(true);
const converted = typeOf(branchOf(SchemaController, 'converted'));
equal<typeof converted, { payload: { day: string }; result: undefined }>(true);
const defaulted = typeOf(branchOf(SchemaController, 'defaulted'));
equal<typeof defaulted, { payload: { amount: number }; result: undefined }>(true);
const defaultedByCaller = typeOf(branchOf(SchemaController, 'defaultedByCaller'));
equal<typeof defaultedByCaller, { payload: { amount?: number | undefined }; result: undefined }>(true);
const parsed = typeOf(branchOf(SchemaController, 'parsed'));
equal<typeof parsed, { payload: { day: string }; result: undefined }>(true);
const text = typeOf(branchOf(SchemaController, 'text'));
equal<typeof text, { payload: string; result: undefined }>(true);
const optional = typeOf(branchOf(SchemaController, 'optional'));
equal<typeof optional, { payload: string | undefined; result: undefined }>(true);

/** A test calls the method with a plain object. */
export const direct = (controller: SchemaController): void => controller.converted({ day: new Date() });
