import { Server as TlsServer } from 'node:tls';
import type { Server } from 'node:net';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DtmConfigError } from '../../protocol/index.js';
import { DtmSettings } from '../dtm.options.js';

/** Knows under which base URL the coordinator reaches this application. */
@Injectable()
export class BranchEndpoint {
  constructor(
    private readonly settings: DtmSettings,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

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
  const host = URL.canParse(address) ? new URL(address).hostname : '';
  return ['localhost', '[::1]', '[::]', '0.0.0.0'].includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host);
}
