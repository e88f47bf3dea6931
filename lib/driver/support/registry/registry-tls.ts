/** How a registry is reached over TLS. Certificates and keys are PEM. */
export interface RegistryTls {
  /** Certificates of the authorities that sign the registry's certificate. @default the authorities of Node */
  readonly ca?: string | Buffer | undefined;
  /** Client certificate, where the registry requires one. @default none */
  readonly cert?: string | Buffer | undefined;
  /** Private key of {@link cert}. @default none */
  readonly key?: string | Buffer | undefined;
}
