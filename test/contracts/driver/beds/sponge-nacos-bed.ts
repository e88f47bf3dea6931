import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import type { NacosServer } from '../../../services/nacos.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed } from './discovery-bed.js';

/** The driver of sponge on Nacos. */
export function spongeNacosBed(server: NacosServer): DriverBed {
  const registry = `nacos://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => spongeDriver({ registry })),
    address: (service) => `discovery:///${service && `${service}.grpc`}`,
    writeMalformed: async (service) => {
      // an instance of another kind, whose name looks like that of a gRPC service
      const query = new URLSearchParams({
        serviceName: `${service}.grpc`,
        ip: '127.0.0.1',
        port: '1',
        metadata: JSON.stringify({ kind: 'http' }),
      });
      const answer = await fetch(`${server.url}/v1/ns/instance?${query}`, { method: 'POST' });
      if (!answer.ok) throw new Error(`nacos answered ${answer.status}: ${await answer.text()}`);
    },
  };
}
