import type * as Grpc from '@grpc/grpc-js';
import { DtmConfigError, errorText } from '../../protocol/internal.js';

/** How connections over TLS are made; certificates and keys are PEM, as text or bytes. */
export interface GrpcTlsOptions {
  /** Certificates of the authorities that servers are trusted by. @default those of Node */
  readonly ca?: string | Uint8Array | undefined;
  /** Own certificate with its chain, for servers that ask for one. @default none */
  readonly cert?: string | Uint8Array | undefined;
  /** Private key of {@link cert}. @default none */
  readonly key?: string | Uint8Array | undefined;
  /** Name in the server's certificate, where it is not the host that is connected to. @default that host */
  readonly serverName?: string | undefined;
}

/** What a channel over TLS is made with. */
export interface TlsChannel {
  /** Of the connections. */
  readonly credentials: Grpc.ChannelCredentials;
  /** Beside those that every channel has. */
  readonly options: Grpc.ChannelOptions;
}

/**
 * Prepares channels over TLS.
 *
 * @param grpc - the library
 * @param tls - certificates and names
 * @throws DtmConfigError when a certificate or key cannot be read, or one of the two is missing
 */
export function tlsChannel(grpc: typeof Grpc, { ca, cert, key, serverName }: GrpcTlsOptions): TlsChannel {
  if ((cert === undefined) !== (key === undefined)) {
    throw new DtmConfigError('tls: a client certificate needs both cert and key');
  }
  try {
    return {
      credentials: grpc.credentials.createSsl(bufferOf(ca), bufferOf(key), bufferOf(cert)),
      options:
        serverName === undefined
          ? {}
          : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName },
    };
  } catch (cause) {
    throw new DtmConfigError(`tls: ca, cert or key cannot be read: ${errorText(cause)}`, { cause });
  }
}

function bufferOf(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem as string);
}
