import { Server as TlsServer } from 'node:tls';
import type { Server } from 'node:net';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { branchUrlOf } from '../../../driver/index.js';
import { DtmConfigError, isHttpUrl } from '../../../protocol/internal.js';
import { DtmSettings } from '../../options/dtm.options.js';
import type { ControllerBranchRef } from './branch-of.js';
import type { BranchEntry } from './branch-entry.js';

/** Knows under which URLs the coordinator reaches this application. */
@Injectable()
export class ApplicationEndpoint {
  constructor(
    private readonly settings: DtmSettings,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /**
   * URL of a branch.
   *
   * @param branch - where it stands in the application
   * @param wanted - where the application is, and over what it is to be called
   * @throws DtmConfigError when that is not known
   */
  urlOf(
    { paths, definition }: Pick<BranchEntry, 'paths' | 'definition'>,
    { at, over }: Pick<ControllerBranchRef, 'at' | 'over'>,
  ): string {
    const { service, method } = definition.rpc;
    const { driver } = this.settings;
    const isNamed = at !== undefined && Boolean(driver.http?.isNamed(at, 'branch'));
    const isHttp = at === undefined ? (over ?? this.transport) === 'http' : isNamed || isHttpUrl(at);
    const server = at ?? (isHttp ? this.baseUrl() : this.grpcServer());
    if (isHttp && isHttpUrl(server)) return server + paths[0]!;
    return branchUrlOf(driver, server, isHttp ? paths[0]! : `/${service}/${method}`);
  }

  /**
   * How gRPC finds this application: `host:port`, or a URL of the driver.
   *
   * @throws DtmConfigError when it was not given
   */
  grpcServer(): string {
    const { endpointGrpc } = this.settings;
    if (endpointGrpc !== undefined) return endpointGrpc;
    throw new DtmConfigError(
      'where gRPC finds this application is not known: set the option endpoint.grpc of DtmModule, e.g. to localhost:50051',
    );
  }

  /** Over what the application is reached unless somebody says otherwise: HTTP, where it has that. */
  get transport(): 'http' | 'grpc' {
    const { endpointHttp, endpointGrpc } = this.settings;
    const hasHttp = endpointHttp !== undefined || Boolean(this.adapterHost.httpAdapter);
    return hasHttp || endpointGrpc === undefined ? 'http' : 'grpc';
  }

  /**
   * Base URL without a slash at its end.
   *
   * @throws DtmConfigError when it was not given and cannot be derived, or the application does not listen yet
   */
  baseUrl(): string {
    const { server, endpointHttp } = this.settings;
    if (endpointHttp !== undefined) return endpointHttp;
    if (server.address !== undefined && !isOnThisMachine(server.address)) {
      throw new DtmConfigError(
        `the coordinator at ${server.address} cannot find this application: set the option endpoint.http of DtmModule to the URL under which it can`,
      );
    }
    return this.#listeningUrl();
  }

  #listeningUrl(): string {
    const httpServer = this.adapterHost.httpAdapter?.getHttpServer() as Server | undefined;
    const address = httpServer?.listening ? httpServer.address() : null;
    if (address === null || httpServer === undefined) {
      throw new DtmConfigError(
        'the URLs of own branches are not known before the application listens: start transactions after app.listen(), or set the option endpoint.http of DtmModule',
      );
    }
    if (typeof address === 'string') {
      throw new DtmConfigError(
        `the application listens on ${address}, which branches cannot be called at: set the option endpoint.http of DtmModule`,
      );
    }
    const host = address.address === '::' || address.address === '0.0.0.0' ? '127.0.0.1' : address.address;
    return `${httpServer instanceof TlsServer ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  }
}

function isOnThisMachine(address: string): boolean {
  // an address of gRPC has no scheme, or one that is not special to URLs
  const url = `http://${address.replace(/^[a-z][a-z\d+.-]*:\/\//i, '')}`;
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return ['localhost', '[::1]', '[::]', '0.0.0.0'].includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host);
}
