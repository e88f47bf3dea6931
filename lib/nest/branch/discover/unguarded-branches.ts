import type { Server } from 'node:net';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { formatHostPort, isLoopbackHost, parseHostPort } from '../../../support/host-port.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import { listGuards } from '../../undocumented/route-metadata.js';
import { BranchGuard } from '../serve/branch.guard.js';
import { BranchRegistry } from './branch.registry.js';
import type { RegisteredBranch } from './registered-branch.js';

/** How many branches the warning names. */
const SHOWN = 3;

/** Warns when the application starts and other machines can call branches that no guard protects. */
@Injectable()
export class UnguardedBranches implements OnApplicationBootstrap {
  readonly #logger = new Logger('DtmModule');

  constructor(
    private readonly settings: DtmSettings,
    private readonly registry: BranchRegistry,
    private readonly config: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  onApplicationBootstrap(): void {
    if (this.settings.allowUnguardedBranches) return;
    const { httpAdapter, listening } = this.adapterHost;
    // where a microservice listens is known by the address that it gives to the coordinator only
    if (!httpAdapter) return this.#checkGrpc();
    if (listening) return this.#checkHttp();
    this.adapterHost.listen$.subscribe(() => this.#checkHttp());
  }

  #checkHttp(): void {
    // another adapter may have a server of another kind
    const server = this.adapterHost.httpAdapter.getHttpServer() as Partial<Server> | undefined;
    const address = server?.address?.();
    // a text is a socket of the file system
    if (!address || typeof address === 'string') return;
    const { address: host, port } = address;
    if (!isLoopbackHost(host)) this.#warnIfOpen(formatHostPort({ host, port }));
  }

  #checkGrpc(): void {
    const { endpointGrpc } = this.settings;
    if (endpointGrpc === undefined) return;
    const address = parseHostPort(endpointGrpc);
    if (!address || !isLoopbackHost(address.host)) this.#warnIfOpen(endpointGrpc);
  }

  #warnIfOpen(address: string): void {
    if (this.#hasGlobalGuard()) return;
    const open = this.registry.list().filter((branch) => !isGuarded(branch));
    if (open.length === 0) return;
    const names = open.slice(0, SHOWN).map(({ controller, method }) => `${controller.name}.${method}`);
    const others = open.length > SHOWN ? ` and ${open.length - SHOWN} more` : '';
    this.#logger.warn(
      `branches can be called by everyone who reaches ${address}, because no guard protects ${names.join(', ')}${others}; add a guard, such ` +
        'as an APP_GUARD, that checks what the option branchHeaders sends, listen on 127.0.0.1, or set allowUnguardedBranches when a proxy or a network policy protects them',
    );
  }

  #hasGlobalGuard(): boolean {
    const perRequest = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype);
    return [...this.config.getGlobalGuards(), ...perRequest].some(admitsOnlySome);
  }
}

function isGuarded({ controller, method }: RegisteredBranch): boolean {
  const handler = (controller.prototype as Record<string, object>)[method]!;
  return [...listGuards(controller), ...listGuards(handler)].some(admitsOnlySome);
}

/** The guard of this package does not ask who calls, and neither does that of `@nestjs/throttler`. */
function admitsOnlySome(guard: unknown): boolean {
  let type: unknown = typeof guard === 'function' ? guard : (guard as object | null)?.constructor;
  for (; typeof type === 'function'; type = Object.getPrototypeOf(type)) {
    if (type === BranchGuard || type.name === 'ThrottlerGuard') return false;
  }
  return true;
}
