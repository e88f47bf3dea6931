import { ProtoWriter } from '../../protocol/internal.js';

/*
 * dapr.proto.runtime.v1.InvokeServiceRequest { id = 1; message = 3 }
 * dapr.proto.common.v1.InvokeRequest { method = 1; data = 2; content_type = 3; http_extension = 4 }
 * google.protobuf.Any { type_url = 1; value = 2 }
 */

/** Method that takes `InvokeServiceRequest`. */
export const INVOKE_SERVICE = '/dapr.proto.runtime.v1.Dapr/InvokeService';

/**
 * Payload of a branch whose URL is `daprgrpc://…`: Dapr passes `data` on to the application. The coordinator fills in the
 * application and the method.
 *
 * @param data - for the application
 * @param contentType - of the data
 * @returns an `InvokeServiceRequest`
 */
export function daprPayload(data: string | Uint8Array, contentType: string = 'application/json'): Buffer {
  const any = new ProtoWriter().bytes(2, Buffer.from(data as Uint8Array)).finish();
  const message = new ProtoWriter().bytes(2, any).text(3, contentType).finish();
  return new ProtoWriter().bytes(3, message).finish();
}

/**
 * Says to whom an `InvokeServiceRequest` goes, in place of what it said before.
 *
 * @param request - the message
 * @param appId - name of the application
 * @param method - what is called there
 */
export function addressed(request: Uint8Array, appId: string, method: string): Buffer {
  // in protobuf one message behind the other is both merged: the later values win, and the rest stays
  const message = new ProtoWriter().text(1, method).finish();
  return Buffer.concat([request, new ProtoWriter().text(1, appId).bytes(3, message).finish()]);
}
