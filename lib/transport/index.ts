export { HttpRequester, type HttpRequest, type HttpRequesterOptions } from './http/http-requester.js';
export { httpTransport } from './http/http-transport.js';
export type { BranchCall, Transport } from './transport.js';
