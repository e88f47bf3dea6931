const LOOK_MS = 250;

/**
 * Notices that npx was ended: it starts its programs through a shell, which dies of a signal and does not pass it on.
 * Does nothing for a process that something else started.
 *
 * @param env - the environment, where npx leaves its name
 * @param onEnd - called once
 */
export function watchLauncher(env: NodeJS.ProcessEnv, onEnd: () => void): void {
  if (env['npm_lifecycle_event'] !== 'npx') return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onEnd();
  }, LOOK_MS);
  timer.unref();
}
