import type { Server } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { branchUrlOf } from '../../../driver/internal.js';
import { DtmConfigError, isHttpUrl } from '../../../protocol/internal.js';
import { isLoopbackHost, isUnspecifiedHost, listenerAddress } from '../../../support/host-port.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import type { ControllerBranchRef } from './branch-of.js';
import type { RegisteredBranch } from './registered-branch.js';

/** Where the coordinator reaches this application. */
@Injectable()
export class ApplicationEndpoint {
  constructor(
    private readonly settings: DtmSettings,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Transport of branches unless `branchOf` says otherwise: HTTP where the application has a server for it. */
  get transport(): 'http' | 'grpc' {
    const { endpointHttp, endpointGrpc } = this.settings;
    const hasHttp = endpointHttp !== undefined || Boolean(this.adapterHost.httpAdapter);
    return hasHttp || endpointGrpc === undefined ? 'http' : 'grpc';
  }

  /**
   * URL of a branch.
   *
   * @param branch - a branch of this application
   * @param target - another address of the application, and the transport
   * @throws DtmConfigError when the address is not known
   */
  urlOf(
    { paths, definition }: Pick<RegisteredBranch, 'paths' | 'definition'>,
    { at, over }: Pick<ControllerBranchRef, 'at' | 'over'>,
  ): string {
    const { service, method } = definition.rpc;
    const { driver } = this.settings;
    const isName = at !== undefined && Boolean(driver.http?.isNamed(at, 'branch'));
    const isHttp = at === undefined ? (over ?? this.transport) === 'http' : isName || isHttpUrl(at);
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
    const httpServer = this.adapterHost.httpAdapter?.getHttpServer() as Server | undefined;
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
