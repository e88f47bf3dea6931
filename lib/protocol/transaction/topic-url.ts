/** Scheme of the URL of a step that goes to all subscribers of a topic; the name of the topic follows. */
export const TOPIC_SCHEME = 'topic://';
