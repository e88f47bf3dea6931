/** Lets the event loop do what waits for it: other requests, and answers that have arrived. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
