/** Headers and metadata of proxies, which may repeat a call on their own, and of repetitions by gRPC. */
const OF_PROXIES =
  /^(?:via|forwarded|x-forwarded-.*|x-envoy-.*|x-amzn-trace-id|l5d-.*|dapr-.*|grpc-previous-rpc-attempts)$/;

/**
 * Whether a proxy may have sent a call before, without the coordinator's knowledge, perhaps to another version of the service.
 *
 * @param headers - header or metadata names in lower case
 */
export function mayBeRepeated(headers: readonly string[]): boolean {
  return headers.some((name) => OF_PROXIES.test(name));
}
