import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority. */
export interface CertificateAuthority {
  /** Certificate of the authority. */
  readonly ca: string;
  /** Signs a new certificate for names such as `DNS:localhost` or `IP:127.0.0.1`. */
  sign(...names: readonly string[]): Certificate;
}

/** Whether this machine has openssl, which creates the certificates. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Creates a certificate authority that only the test trusts. */
export function createAuthority(): CertificateAuthority {
  const ca = inFolder((run, read) => {
    run('req', '-x509', ...NEW_KEY, '-keyout', 'key', '-out', 'cert', '-days', '2', '-subj', '/CN=nestjs-dtm test');
    return { cert: read('cert'), key: read('key') };
  });
  return {
    ca: ca.cert,
    sign: (...names) =>
      inFolder((run, read, write) => {
        write('ca', ca.cert);
        write('ca.key', ca.key);
        write('names', `subjectAltName=${names.join(',')}`);
        run('req', ...NEW_KEY, '-keyout', 'key', '-out', 'request', '-subj', '/CN=dtm');
        const signed = ['-CA', 'ca', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
        run('x509', '-req', '-in', 'request', ...signed, '-out', 'cert');
        return { cert: read('cert'), key: read('key') };
      }),
  };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function inFolder<T>(
  work: (
    run: (...args: string[]) => void,
    read: (name: string) => string,
    write: (name: string, text: string) => void,
  ) => T,
): T {
  const cwd = mkdtempSync(join(tmpdir(), 'nestjs-dtm-'));
  try {
    return work(
      (...args) => void execFileSync('openssl', args, { cwd, stdio: 'ignore' }),
      (name) => readFileSync(join(cwd, name), 'utf8'),
      (name, text) => writeFileSync(join(cwd, name), text),
    );
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
