import type * as Grpc from '@grpc/grpc-js';
import { DtmConfigError, errorText } from '../../protocol/internal.js';

/** Options of connections over TLS. Certificates and keys are PEM, as a string or bytes. */
export interface GrpcTlsOptions {
  /** Certificates of the authorities that sign server certificates. @default the authorities that Node trusts */
  readonly ca?: string | Uint8Array | undefined;
  /** Client certificate with its chain, for servers that require one. @default none */
  readonly cert?: string | Uint8Array | undefined;
  /** Private key of {@link cert}. @default none */
  readonly key?: string | Uint8Array | undefined;
  /** Name in the server certificate, when it differs from the host. @default the host */
  readonly serverName?: string | undefined;
}

/** Arguments of a channel over TLS. */
export interface TlsChannel {
  /** Credentials of the channel. */
  readonly credentials: Grpc.ChannelCredentials;
  /** Options in addition to those of every channel. */
  readonly options: Grpc.ChannelOptions;
}

/**
 * Creates the arguments of channels over TLS.
 *
 * @param tls - certificates and names
 * @throws DtmConfigError when a certificate or key cannot be read, or only one of `cert` and `key` is set
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
