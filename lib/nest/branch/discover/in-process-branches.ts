import { Injectable } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import {
  errorText,
  readHttpOutcome,
  type ApplicationBranches,
  type BranchHeadersSource,
  type InProcessBranchCall,
  type Outcome,
} from '../../../protocol/internal.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import type { DiscoveredClass } from '../../undocumented/discovered-class.js';
import { RouteHandlers, type RouteHandler } from '../../undocumented/route-handlers.js';
import { encodeReply } from '../serve/encode-branch-responses.js';
import { InProcessRequest, InProcessResponse } from '../serve/in-process-exchange.js';

/** Serves the branches of this application to the coordinator that is embedded in it. */
@Injectable()
export class InProcessBranches implements ApplicationBranches {
  readonly #branches = new Map<string, () => RouteHandler>();
  readonly #handlers = new Map<string, RouteHandler>();
  readonly #routes: RouteHandlers;

  constructor(
    private readonly settings: DtmSettings,
    modules: ModulesContainer,
    config: ApplicationConfig,
    moduleRef: ModuleRef,
  ) {
    this.#routes = new RouteHandlers(modules, config, moduleRef, {
      reply: (response, body, status) => reply(response as InProcessResponse, body, status),
      status: (response, status) => (response as InProcessResponse).status(status),
      setHeader: (response, name, value) => (response as InProcessResponse).setHeader(name, value),
      isHeadersSent: (response) => (response as InProcessResponse).headersSent,
    });
  }

  get name(): string | undefined {
    return this.settings.name;
  }

  get branchHeaders(): BranchHeadersSource | undefined {
    return this.settings.branchHeaders;
  }

  /** Adds a branch under its name. */
  add(name: string, controller: DiscoveredClass, method: string): void {
    this.#branches.set(name, () => this.#routes.create(controller, method));
  }

  has(path: string): boolean {
    return this.#branches.has(path);
  }

  async call(call: InProcessBranchCall): Promise<Outcome> {
    try {
      const { path } = call;
      const response = new InProcessResponse();
      const request = new InProcessRequest(call);
      await this.#handlerOf(request.path)(request, response);
      await response.answering;
      const { answer } = response;
      if (answer) return readHttpOutcome(answer.status, answer.body);
      return { kind: 'unknown', message: `${path} ended without an answer` };
    } catch (cause) {
      return { kind: 'unknown', message: errorText(cause), cause };
    }
  }

  /** Created at the first call, because an application may add global guards as long as it starts. */
  #handlerOf(path: string): RouteHandler {
    const known = this.#handlers.get(path);
    if (known) return known;
    const created = this.#branches.get(path)!();
    this.#handlers.set(path, created);
    return created;
  }
}

function reply(response: InProcessResponse, body: unknown, status: number | undefined): void {
  response.answer = encodeReply(response, body, status) ?? {
    status: status ?? response.statusCode,
    body: typeof body === 'string' ? body : (JSON.stringify(body) ?? ''),
  };
}
