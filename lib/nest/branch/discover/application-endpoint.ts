import type { Server } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { appAddress, branchUrlOf } from '../../../driver/internal.js';
import { DtmConfigError, isHttpUrl } from '../../../protocol/internal.js';
import { isLoopbackHost, isUnspecifiedHost, listenerAddress } from '../../../support/host-port.js';
import type { BranchRoute } from '../../options/dtm.options.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import { assertEmbedded } from '../../options/parse-route.js';
import type { ControllerBranchRef } from './branch-of.js';
import type { RegisteredBranch } from './registered-branch.js';

/** Where the coordinator reaches this application. */
@Injectable()
export class ApplicationEndpoint {
  constructor(
    private readonly settings: DtmSettings,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /**
   * How branches are called unless `branchOf` says otherwise: in process by an embedded coordinator, unless the application
   * has the only address that it could want; otherwise over HTTP where the application has a server for it.
   */
  get route(): BranchRoute {
    const { over, endpointHttp, endpointGrpc, server } = this.settings;
    if (over !== undefined) return over;
    if (endpointHttp !== undefined) return 'http';
    const hasServer = Boolean(this.adapterHost.httpAdapter);
    if (endpointGrpc !== undefined && !hasServer) return 'grpc';
    return server.attach ? 'in-process' : 'http';
  }

  /**
   * Checks that the branches of this application can be found by every process that shares the coordinator's store.
   *
   * @throws DtmConfigError when another application would call its own branch in place of one of this application
   */
  assertShareable(): void {
    const { server, name, endpointHttp, endpointGrpc } = this.settings;
    if (!server.isShared) return;
    const remedy = 'set the option name of DtmModule, the same in all replicas of this application and in no other';
    if (name === undefined && this.route === 'in-process') {
      throw new DtmConfigError(
        `DtmModule: the store of the coordinator can be shared by applications, but this application has no name; ${remedy}`,
      );
    }
    if (this.route === 'http' && endpointHttp === undefined) {
      throw new DtmConfigError(
        `DtmModule: the store of the coordinator can be shared by processes, but endpoint.http is not set, and the address at which ` +
          `this application listens leads each of them to itself; set endpoint.http, or leave endpoint.over out and ${remedy}`,
      );
    }
    for (const [option, address] of Object.entries({ http: endpointHttp, grpc: endpointGrpc })) {
      if (address === undefined || !isLocal(address)) continue;
      throw new DtmConfigError(
        `DtmModule: endpoint.${option} ${address} leads each process that shares the store of the coordinator to itself; ` +
          `give an address that all of them can call, or leave it out and ${remedy}`,
      );
    }
  }

  /**
   * URL of a branch.
   *
   * @param branch - a branch of this application
   * @param target - another address of the application, and the transport
   * @throws DtmConfigError when the address is not known
   */
  urlOf(
    { paths, name, definition }: Pick<RegisteredBranch, 'paths' | 'name' | 'definition'>,
    { at, over }: Pick<ControllerBranchRef, 'at' | 'over'>,
  ): string {
    const { service, method } = definition.rpc;
    const { driver, server: coordinator } = this.settings;
    const route = at === undefined ? (over ?? this.route) : undefined;
    if (route === 'in-process') {
      assertEmbedded('over', coordinator);
      return appAddress(this.settings.name) + name;
    }
    const isName = at !== undefined && Boolean(driver.http?.isNamed(at, 'branch'));
    const isHttp = at === undefined ? route === 'http' : isName || isHttpUrl(at);
    const server = at ?? (isHttp ? this.#baseUrl() : this.#grpcAddress());
    if (isHttp && isHttpUrl(server)) return server + paths[0]!;
    return branchUrlOf(driver, server, isHttp ? paths[0]! : `/${service}/${method}`);
  }

  #grpcAddress(): string {
    const { endpointGrpc } = this.settings;
    if (endpointGrpc !== undefined) return endpointGrpc;
    throw new DtmConfigError(
      'the gRPC address of this application is not known; set the option endpoint.grpc of DtmModule, e.g. to localhost:50051',
    );
  }

  #baseUrl(): string {
    const { server, endpointHttp } = this.settings;
    if (endpointHttp !== undefined) return endpointHttp;
    if (server.address !== undefined && !isLocal(server.address)) {
      throw new DtmConfigError(
        `the coordinator at ${server.address} does not know the URL of this application; set the option endpoint.http of DtmModule to a URL that it can call`,
      );
    }
    return this.#listeningUrl();
  }

  #listeningUrl(): string {
    if (this.settings.server.isShared) {
      throw new DtmConfigError(
        'the address at which this application listens leads each process that shares the store to itself; set the option endpoint.http of DtmModule, or call the branch in process',
      );
    }
    if (!this.adapterHost.httpAdapter) {
      throw new DtmConfigError(
        'this application has no HTTP server at which its branches could be called; set the option endpoint.http or endpoint.grpc of DtmModule ' +
          'to the address of the application that serves them, give branchOf the option at, or call them in process with embeddedServer()',
      );
    }
    const httpServer = this.adapterHost.httpAdapter.getHttpServer() as Server | undefined;
    const address = httpServer?.listening ? httpServer.address() : null;
    if (address === null || httpServer === undefined) {
      throw new DtmConfigError(
        "the URLs of this application's branches are not known before the application listens; start transactions after app.listen(), or set the option endpoint.http of DtmModule",
      );
    }
    if (typeof address === 'string') {
      throw new DtmConfigError(
        `the application listens on ${address}, where no branch can be called; set the option endpoint.http of DtmModule`,
      );
    }
    const scheme = httpServer instanceof TlsServer ? 'https' : 'http';
    return `${scheme}://${listenerAddress({ host: address.address, port: address.port })}`;
  }
}

function isLocal(address: string): boolean {
  // a gRPC address has no scheme, or one that URL does not parse a host from
  const url = `http://${address.replace(/^[a-z][a-z\d+.-]*:\/\//i, '')}`;
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
  return isLoopbackHost(host) || isUnspecifiedHost(host);
}
