/** Error codes of JSON-RPC 2.0, and the two by which dtm and its branches decide: docs/protocol.md#json-rpc-api. */
export const JSON_RPC_CODE = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  FAILURE: -32901,
  ONGOING: -32902,
} as const;
