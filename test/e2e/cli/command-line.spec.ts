import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { CliProcess, ServeProcess } from './serve-process.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Runs the program to its end. A mistake of the user must not show a stack trace. */
async function outcomeOf(cli: CliProcess) {
  const exitCode = await cli.ended;
  expect(cli.stderr).not.toMatch(/^\s+at /m);
  return { exitCode, stdout: cli.stdout, stderr: cli.stderr };
}

describe('nestjs-dtm', () => {
  it.each([[['--help']], [['-h']], [['help']]])('%j lists the commands', async (args) => {
    const { exitCode, stdout, stderr } = await outcomeOf(new CliProcess(args));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ {2}serve +run the coordinator/m);
    expect(stdout).toMatch(/^ {2}init +add DtmModule/m);
  });

  it.each([[['--version']], [['-v']], [['serve', '--version']], [['serve', '-v']]])(
    '%j prints the version',
    async (args) => {
      expect(await outcomeOf(new CliProcess(args))).toEqual({ exitCode: 0, stdout: `v${version}\n`, stderr: '' });
    },
  );

  it.each([[['serve', '--help']], [['serve', '-h', '-r']]])('%j shows flags and settings', async (args) => {
    const { exitCode, stdout, stderr } = await outcomeOf(new CliProcess(args));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ {2}-c, --config <file>/m);
    expect(stdout).toMatch(/^ {2}HttpPort .*\[36789\]$/m);
  });

  it('init --help shows what the command does', async () => {
    const { exitCode, stdout } = await outcomeOf(new CliProcess(['init', '--help']));
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('  --dry-run ')]);
  });

  it.each([
    [[], 'no command'],
    [['sevre'], 'unknown command sevre'],
    [['constructor'], 'unknown command constructor'],
    [['-c', 'conf.yml'], 'unknown command -c'],
    [['serve', '--port', '1'], "Unknown option '--port'"],
    [['serve', 'now'], "Unexpected argument 'now'"],
    [['serve', '-c'], "'-c, --config <value>' argument missing"],
    [['init', '--force'], "Unknown option '--force'"],
    [['init', 'src'], "Unexpected argument 'src'"],
    [['serve', '--debug=1'], "'-d, --debug' does not take an argument"],
  ])('%j is an invalid command line', async (args, message) => {
    const { exitCode, stdout, stderr } = await outcomeOf(new CliProcess(args));
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toContain('--help');
  });

  it('serve -r deletes nothing', async () => {
    const cwd = tempFolder();
    const before = await ServeProcess.start({ cwd });
    expect(await before.submit({ gid: 'g', trans_type: 'saga', steps: [], payloads: [], wait_result: true })).toBe(200);
    await before.stop();
    const { exitCode, stderr } = await outcomeOf(new ServeProcess({ cwd, args: ['-r'] }));
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/-r is refused, because it deletes every transaction.*remove the store yourself/);
    expect(await (await ServeProcess.start({ cwd })).statusOf('g')).toBe('succeed');
  });
});

describe('serve does not start', () => {
  it('with a bad configuration, and reports all of its problems', async () => {
    const cwd = tempFolder();
    writeFileSync(
      join(cwd, 'conf.yml'),
      'HttpPrt: 1\nStore:\n  Driver: boltdb\n  Password: hunter2\nRetryInterval: soon\n',
    );
    const env = { LOG_LEVEL: 'loud' };
    const { exitCode, stdout, stderr } = await outcomeOf(new ServeProcess({ cwd, env, args: ['-c', 'conf.yml'] }));
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'nestjs-dtm: the configuration has 4 problems:',
      '  - HttpPrt: is not a setting; did you mean HttpPort? (conf.yml:1)',
      '  - Store.Driver: must be one of sqlite, memory, postgres, mysql, not "boltdb" (use sqlite, which also keeps the store in a file) (conf.yml:3)',
      '  - RetryInterval: must be a whole number from 1 to 31536000, not "soon" (conf.yml:5)',
      '  - LogLevel: must be one of debug, info, warn, error, not "loud" (environment variable LOG_LEVEL)',
    ]);
    expect(existsSync(join(cwd, '.dtm'))).toBe(false);
  });

  it.each([
    ['none.yml', 'the configuration file none.yml does not exist'],
    ['.', 'the configuration file . cannot be read (EISDIR)'],
  ])('with the configuration file %s', async (file, message) => {
    const { exitCode, stderr } = await outcomeOf(new ServeProcess({ args: ['--config', file] }));
    expect([exitCode, stderr]).toEqual([1, `nestjs-dtm: ${message}\n`]);
  });

  it.each(['HTTP_PORT', 'GRPC_PORT'])('on a port that is taken, set by %s', async (name) => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const { exitCode, stdout, stderr } = await outcomeOf(new ServeProcess({ env: { [name]: String(port) } }));
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      new RegExp(`^nestjs-dtm: .*cannot listen on 127\\.0\\.0\\.1:${port}: .*\\(${name}\\)$`, 'm'),
    );
  });

  it('and logs the stack with -d', async () => {
    const serve = new ServeProcess({ env: { STORE_PATH: '/dev/null/dtm.db' }, args: ['-d'] });
    expect(await serve.ended).toBe(1);
    expect(serve.log).toMatchObject([
      {
        level: 'error',
        message: 'the coordinator did not start',
        stack: [expect.stringMatching(/\n +at /), expect.anything()],
      },
    ]);
  });

  it('on the store file of another process, which keeps running', async () => {
    const cwd = tempFolder();
    const first = await ServeProcess.start({ cwd });
    const { exitCode, stderr } = await outcomeOf(new ServeProcess({ cwd }));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^nestjs-dtm: store file \S+dtm\.db is in use by another process: .*use another path\n$/);
    expect(await first.submit({ gid: 'g', trans_type: 'saga', steps: [], payloads: [], wait_result: true })).toBe(200);
  });

  it.each([
    [{ LISTEN_HOST: 'no such host' }, /^nestjs-dtm: cannot listen on no such host:0: .*ListenHost \(LISTEN_HOST\)/m],
    [{ LISTEN_HOST: '192.0.2.1' }, /^nestjs-dtm: cannot listen on 192\.0\.2\.1:0: .*ListenHost \(LISTEN_HOST\)/m],
    [
      { MICRO_SERVICE_DRIVER: 'dtm-driver-none' },
      /^nestjs-dtm: MicroService\.Driver: driver "dtm-driver-none" does not exist/,
    ],
    [{ STORE_PATH: '/dev/null/dtm.db' }, /^nestjs-dtm: store file \/dev\/null\/dtm\.db cannot be opened: /],
    [
      { LOG_OUTPUTS: 'stderr,/none/dtm.log' },
      /^nestjs-dtm: Log\.Outputs: \/none\/dtm\.log cannot be written \(ENOENT\)/,
    ],
  ])('with %j', async (env, message) => {
    const { exitCode, stdout, stderr } = await outcomeOf(new ServeProcess({ env }));
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });
});
