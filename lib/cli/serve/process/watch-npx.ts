const POLL_MS = 250;

/**
 * Calls back when npx has ended. npx starts a program through a shell, which a signal ends without passing it on. Does nothing in a
 * process that npx has not started.
 *
 * @param env - the environment, where npx sets variables that identify it
 * @param onEnd - called once
 */
export function watchNpx(env: NodeJS.ProcessEnv, onEnd: () => void): void {
  if (env['npm_lifecycle_event'] !== 'npx') return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onEnd();
  }, POLL_MS);
  timer.unref();
}
