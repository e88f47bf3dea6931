import type { DtmDriver } from 'nestjs-dtm/driver';
import type { ConsulServer } from '../../../services/consul.mjs';
import type { EtcdServer } from '../../../services/etcd.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInConsul } from '../put-in-consul.js';
import { putInEtcd } from '../put-in-etcd.js';

/** Drivers whose services are called `discovery:///service`. */
export function discoveryBed(server: DriverBed['server'], registry: string, driver: () => DtmDriver): DriverBed {
  return {
    server,
    protocol: 'grpc',
    driver,
    registration: (service, endpoint) => ({ target: `${registry}/${service}`, endpoint: `grpc://${endpoint}` }),
    address: (service) => `discovery:///${service}`,
  };
}

/** Writes entries into etcd that the drivers of kratos and sponge must ignore. */
export async function writeMalformedToEtcd(server: EtcdServer, service: string): Promise<void> {
  const instance = { id: 'x', name: service, version: '', metadata: null, endpoints: ['grpc://127.0.0.1:1'] };
  const values = {
    'no-json': '{"id":',
    'no-object': 'null',
    'no-list': JSON.stringify({ ...instance, endpoints: 'grpc://127.0.0.1:1' }),
    'no-text': JSON.stringify({ ...instance, endpoints: [1] }),
    'no-port': JSON.stringify({ ...instance, endpoints: ['grpc://127.0.0.1:99999'] }),
    'no-grpc': JSON.stringify({ ...instance, endpoints: ['http://127.0.0.1:1', 'grpcs://127.0.0.1:1'] }),
    secure: JSON.stringify({ ...instance, endpoints: ['grpc://127.0.0.1:1?isSecure=true'] }),
    none: JSON.stringify({ ...instance, endpoints: null }),
    'other-name': JSON.stringify({ ...instance, name: 'other' }),
  };
  for (const [id, value] of Object.entries(values)) await putInEtcd(server, `/microservices/${service}/${id}`, value);
  await putInEtcd(server, `/microservices/${service}-2/x`, JSON.stringify({ ...instance, name: `${service}-2` }));
}

/** Writes entries into Consul that the drivers of kratos and sponge must ignore. */
export async function writeMalformedToConsul(server: ConsulServer, service: string): Promise<void> {
  const entry = (tag: string, url: string): Promise<void> =>
    putInConsul(server, {
      ID: `${service}-${tag}-${url.length}`,
      Name: service,
      Address: '127.0.0.1',
      Port: 1,
      TaggedAddresses: { [tag]: { Address: url, Port: 1 } },
    });
  await entry('grpc', 'grpc://127.0.0.1:99999');
  await entry('grpc', 'nonsense');
  await entry('grpc', 'grpc://127.0.0.1:1?isSecure=true');
  await entry('http', 'http://127.0.0.1:1');
  await entry('lan_ipv4', '127.0.0.1');
  await putInConsul(server, { ID: `${service}-bare`, Name: service, Address: '127.0.0.1', Port: 1 });
}
