/** Scheme of the URL of a step that goes to all subscribers of a topic, whose name follows: docs/protocol.md#topics. */
export const TOPIC_SCHEME = 'topic://';
