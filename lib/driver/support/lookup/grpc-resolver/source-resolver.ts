import type * as Grpc from '@grpc/grpc-js';
import { redactUrls } from '../../../../support/redact-urls.js';
import type { ServiceAddress } from '../../tools/service-address.js';
import type { GrpcTarget } from '../address-source.js';
import { NO_INSTANCE } from '../no-instance.js';
import type { Lookup } from '../shared-watches.js';

type Listener = Grpc.experimental.ResolverListener;
type Endpoints = Parameters<Listener>[0];
type ServiceConfig = Parameters<Listener>[2];

const ROUND_ROBIN = { ok: true, value: { loadBalancingConfig: [{ round_robin: {} }], methodConfig: [] } };

/**
 * Gives gRPC the addresses of one target. gRPC destroys a resolver when its channel becomes idle, and starts the same object
 * again when it asks for an update.
 */
export class SourceResolver implements Grpc.experimental.Resolver {
  readonly #grpc: typeof Grpc;
  readonly #lookup: Lookup;
  readonly #name: string;
  readonly #send: (endpoints: Endpoints) => boolean;
  #watch: Watch | undefined;

  /** @throws DtmArgumentError when `parse` refuses the target */
  constructor(
    grpc: typeof Grpc,
    parse: (target: GrpcTarget) => Lookup,
    target: GrpcTarget,
    listener: Listener,
    options: Grpc.ChannelOptions,
  ) {
    this.#grpc = grpc;
    this.#lookup = parse(target);
    this.#name = redactUrls(`${target.scheme}://${target.authority}/${target.path}`);
    // the resolver's config would override the user's own
    const config = options['grpc.service_config'] === undefined ? (ROUND_ROBIN as ServiceConfig) : null;
    this.#send = (endpoints) => listener(endpoints, {}, config, '');
  }

  updateResolution(): void {
    this.#watch ??= new Watch(this.#grpc, this.#name, this.#lookup, this.#send);
  }

  destroy(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }
}

/** Lives from an update to the next destruction of the resolver. */
class Watch {
  readonly #grpc: typeof Grpc;
  readonly #name: string;
  readonly #send: (endpoints: Endpoints) => boolean;
  #stopSource: (() => void) | undefined;
  /** The addresses that gRPC has; undefined before the first ones. */
  #sent: string | undefined;
  #hasFailed = false;
  #isStopped = false;

  constructor(grpc: typeof Grpc, name: string, lookup: Lookup, send: (endpoints: Endpoints) => boolean) {
    this.#grpc = grpc;
    this.#name = name;
    this.#send = send;
    // a source may report at once, but gRPC must not receive a report before its request has returned
    queueMicrotask(() => this.#start(lookup));
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopSource?.();
  }

  #start(lookup: Lookup): void {
    if (this.#isStopped) return;
    const stop = lookup({
      // without a report the calls wait; after an error gRPC does not let them wait again
      waiting: () => this.#hasFailed && this.#failed(NO_INSTANCE),
      found: (addresses) => this.#found(addresses),
      failed: (reason) => this.#failed(reason),
    });
    if (this.#isStopped) stop();
    else this.#stopSource = stop;
  }

  #found(addresses: readonly ServiceAddress[]): void {
    if (this.#isStopped) return;
    const byKey = new Map(addresses.map(({ host, port }) => [`${host}:${port}`, { addresses: [{ host, port }] }]));
    const list = [...byKey.keys()].toSorted().join();
    if (list === this.#sent) return;
    const isAccepted = this.#send(this.#grpc.experimental.statusOrFromValue([...byKey.values()]));
    this.#sent = isAccepted ? list : undefined;
    // after an empty list alone calls would wait for their deadline
    if (byKey.size === 0) this.#failed(NO_INSTANCE);
  }

  #failed(reason: string): void {
    if (this.#isStopped) return;
    this.#hasFailed = true;
    const { experimental, status } = this.#grpc;
    const details = `no address for ${this.#name}: ${reason}`;
    this.#send(experimental.statusOrFromError({ code: status.UNAVAILABLE, details }));
  }
}
