/** Begins the URL of a step that goes to all subscribers of a topic; its name follows (`dtm-protocol.md` §1.8). */
export const TOPIC_SCHEME = 'topic://';
