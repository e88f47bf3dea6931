import { ProtoWriter } from '../../protocol/internal.js';

/*
 * dapr.proto.runtime.v1.InvokeServiceRequest { id = 1; message = 3 }
 * dapr.proto.common.v1.InvokeRequest { method = 1; data = 2; content_type = 3; http_extension = 4 }
 * google.protobuf.Any { type_url = 1; value = 2 }
 */

/** The method that takes an `InvokeServiceRequest`. */
export const INVOKE_SERVICE = '/dapr.proto.runtime.v1.Dapr/InvokeService';

/**
 * Encodes the payload of a branch whose URL is `daprgrpc://…`. Dapr passes the data on to the application; the coordinator adds
 * the application and the method.
 *
 * @param data - the data
 * @param contentType - content type of the data. @default 'application/json'
 * @returns an `InvokeServiceRequest`
 */
export function daprPayload(data: string | Uint8Array, contentType: string = 'application/json'): Buffer {
  const any = new ProtoWriter().bytes(2, Buffer.from(data as Uint8Array)).finish();
  const message = new ProtoWriter().bytes(2, any).text(3, contentType).finish();
  return new ProtoWriter().bytes(3, message).finish();
}

/**
 * Sets the application and the method of an `InvokeServiceRequest`.
 *
 * @param request - the encoded request
 * @param appId - name of the application
 * @param method - the method to call
 */
export function addressRequest(request: Uint8Array, appId: string, method: string): Buffer {
  // protobuf merges messages that follow one another: later values win, and the others stay
  const message = new ProtoWriter().text(1, method).finish();
  return Buffer.concat([request, new ProtoWriter().text(1, appId).bytes(3, message).finish()]);
}
