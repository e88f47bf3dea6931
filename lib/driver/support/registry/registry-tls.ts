/** How connections to a registry over TLS are made; certificates and keys are PEM. */
export interface RegistryTls {
  /** Certificates of the authorities that the registry is trusted by. @default those of Node */
  readonly ca?: string | Buffer | undefined;
  /** Own certificate, where the registry asks for one. @default none */
  readonly cert?: string | Buffer | undefined;
  /** Private key of {@link cert}. @default none */
  readonly key?: string | Buffer | undefined;
}
