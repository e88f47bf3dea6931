/** Which drivers of DTM serve the URLs of a scheme. */
const DRIVERS_OF: Readonly<Record<string, readonly string[]>> = {
  consul: ['dtm-driver-gozero'],
  daprgrpc: ['dtm-driver-dapr'],
  daprhttp: ['dtm-driver-dapr'],
  daprpgrpc: ['dtm-driver-dapr'],
  daprphttp: ['dtm-driver-dapr'],
  direct: ['dtm-driver-gozero', 'dtm-driver-kratos'],
  discov: ['dtm-driver-gozero'],
  discovery: ['dtm-driver-kratos', 'dtm-driver-sponge'],
  etcd: ['dtm-driver-gozero', 'dtm-driver-ego'],
  eureka: ['dtm-driver-springcloud'],
  k8s: ['dtm-driver-gozero', 'dtm-driver-ego'],
  lb: ['dtm-driver-springcloud'],
  nacos: ['dtm-driver-gozero', 'dtm-driver-springcloud'],
  polaris: ['dtm-driver-polaris'],
  protocol1: ['dtm-driver-protocol1'],
};

/**
 * Drivers that serve the URLs of a scheme.
 *
 * @param scheme - in lower case, without `://`
 * @returns their names; none for a scheme that nobody is known to serve
 */
export function driversOf(scheme: string): readonly string[] {
  return Object.hasOwn(DRIVERS_OF, scheme) ? DRIVERS_OF[scheme]! : [];
}
