import {
  Injectable,
  Optional,
  UnprocessableEntityException,
  type CanActivate,
  type ExecutionContext,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DtmArgumentError, DtmConfigError, type BranchContext } from '../../../protocol/internal.js';
import { shareClass } from '../../../support/share-class.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import { findGrpcArguments, replaceGrpcMessage, type GrpcArguments } from '../../undocumented/grpc-arguments.js';
import { findNodeRequest, findNodeResponse } from '../../undocumented/node-messages.js';
import { findBranchDefinition, mayRefusePayload, type BranchDefinition } from '../definition/branch-definition.js';
import { readMetadataParameters, readQueryParameters, type RequestWithQuery } from './branch-parameters.js';
import { GenericMessage } from './generic-message.js';
import { InProcessRequest } from './in-process-exchange.js';
import { InFlightBranches } from './in-flight-branches.js';
import { attachHttpCall, attachIncomingCall, type IncomingBranchCall } from './incoming-branch-call.js';
import { normalizeBody, type RequestWithBody } from './normalize-body.js';
import { RejectedCallException } from './rejected-call.exception.js';
import { TrackedXaBranch } from './tracked-xa-branch.js';

/** The method of a call. */
type Target = Pick<IncomingBranchCall, 'definition' | 'handler' | 'callback'>;

/** Admits only valid calls to a branch method. It is the last of the guards, before interceptors and pipes. */
@shareClass('BranchGuard', Injectable)
@Injectable()
export class BranchGuard implements CanActivate, OnModuleInit {
  constructor(
    // Nest would name these classes, which no user knows, instead of the module that provides them
    @Optional() private readonly inFlight: InFlightBranches,
    @Optional() private readonly settings: DtmSettings,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** @internal */
  onModuleInit(): void {
    if (this.inFlight && this.settings) return;
    throw new DtmConfigError(
      'a controller has branches, but its module does not see DtmModule; add DtmModule.forRoot({ server: … }) to "imports" of the root module, ' +
        'and with isGlobal: false import DtmModule in each module that has branches',
    );
  }

  /** @internal */
  canActivate(execution: ExecutionContext): boolean {
    const definition = findBranchDefinition(execution.getHandler());
    if (!definition) return true;
    const callback = execution.getHandler();
    const target = { definition, callback, handler: `${execution.getClass().name}.${callback.name}` };
    const args = findGrpcArguments(execution);
    if (args) this.#admitGrpc(args, target);
    else if (execution.getType() === 'http') this.#admitHttp(execution, target);
    return true;
  }

  #admitHttp(execution: ExecutionContext, target: Target): void {
    // switchToHttp() would create three functions
    const request = execution.getArgByIndex<RequestWithQuery & RequestWithBody>(0);
    const response = execution.getArgByIndex<object>(1);
    const isInProcess = request instanceof InProcessRequest;
    const method = isInProcess ? request.method : (this.adapterHost.httpAdapter.getRequestMethod(request) as string);
    if (method !== 'POST' && method !== 'GET') {
      throw new RejectedCallException(405, `${target.handler} is a branch: it answers POST and GET, not ${method}`);
    }
    const call = this.#readCall(() => readQueryParameters(request), target);
    attachHttpCall(request, response, call);
    if (isInProcess) readPayload(() => request.assertReadable(), target.definition);
    else normalizeBody(request, mayRefusePayload(target.definition));
    this.inFlight.assertAccepting();
    const nodeRequest = findNodeRequest(request);
    const nodeResponse = findNodeResponse(response);
    if (nodeRequest && nodeResponse) this.inFlight.addAnswer(nodeRequest, nodeResponse);
  }

  #admitGrpc(args: GrpcArguments, target: Target): void {
    const [message, metadata] = args;
    const call = this.#readCall(() => readMetadataParameters(metadata), target);
    const isGeneric = message instanceof GenericMessage;
    attachIncomingCall(metadata, { ...call, emptyReply: isGeneric ? undefined : {} });
    if (isGeneric)
      replaceGrpcMessage(
        args,
        readPayload(() => message.value(), target.definition),
      );
    this.inFlight.assertAccepting();
  }

  #readCall(read: () => BranchContext, { definition, handler, callback }: Target): IncomingBranchCall {
    const context = readOrReject(read);
    assertServes(definition, context, handler);
    const { databases, server } = this.settings;
    const xa =
      definition.transType === 'xa'
        ? readOrReject(() => new TrackedXaBranch(context, databases.getXa(definition.database), server))
        : undefined;
    return { context, definition, handler, callback, inFlight: this.inFlight, xa };
  }
}

function readOrReject<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // any other error is no fault of the caller
    if (!(cause instanceof DtmArgumentError)) throw cause;
    throw new RejectedCallException(400, cause.message, { cause });
  }
}

/** Reads a payload. One that cannot be read is a failure of a saga or TCC branch, as if a pipe refused it. */
function readPayload<T>(read: () => T, definition: BranchDefinition): T {
  try {
    return readOrReject(read);
  } catch (error) {
    if (!(error instanceof RejectedCallException) || !mayRefusePayload(definition)) throw error;
    throw new UnprocessableEntityException(error.message, { cause: error });
  }
}

function assertServes({ transType, op }: BranchDefinition, context: BranchContext, handler: string): void {
  const isSecondPhase = transType === 'xa' && (context.op === 'commit' || context.op === 'rollback');
  if (context.transType === transType && (context.op === op || isSecondPhase)) return;
  throw new RejectedCallException(
    400,
    `${handler} serves ${transType} ${op}, but was called for ${context.transType} ${context.op}`,
  );
}
