import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Sends requests over one HTTP/1.1 connection, without pipelining. It parses only the necessary parts of an answer,
 * because a full HTTP client uses more processor time than the measured server.
 *
 * @param {URL} url
 * @param {object} options
 * @param {() => string | undefined} options.nextRequest - returns the raw request, or undefined to stop
 * @param {(status: number, body: string) => void} options.onAnswer - receives an answer; may throw to stop with an error
 * @returns {Promise<void>} resolves after the last answer
 */
export async function exchange(url, { nextRequest, onAnswer }) {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await once(socket, 'connect');
  let received = '';

  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    const bodyStart = received.indexOf('\r\n\r\n') + 4;
    if (bodyStart === 3) return;
    const length = /content-length: (\d+)/i.exec(received)?.[1];
    if (length === undefined) return void socket.destroy(new Error(`${url} answered without a content-length`));
    if (received.length < bodyStart + Number(length)) return;
    try {
      onAnswer(Number(received.slice(9, 12)), received.slice(bodyStart));
    } catch (error) {
      return void socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    received = '';
    send();
  });
  send();
  // rejects when the socket ends with an error
  await once(socket, 'close');

  function send() {
    const request = nextRequest();
    if (request === undefined) socket.destroy();
    else socket.write(request, 'latin1');
  }
}
