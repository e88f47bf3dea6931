// @ts-check
// A coordinator in its own process, which tests kill: node coordinator-process.mjs STORE_FILE PORT
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';

const [path, port] = process.argv.slice(2);
const server = embeddedServer({
  store: sqliteStore({ path }),
  listen: { port: Number(port) },
  pollIntervalSeconds: 0.05,
  maxRetryIntervalSeconds: 1,
  logger: { info: () => undefined, warn: () => undefined, error: (message, fields) => console.error(message, fields) },
});
await server.open();
server.recover();
process.send?.('ready');
// keeps an idle process alive
setInterval(() => undefined, 60_000);
