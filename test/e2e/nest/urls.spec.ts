import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Controller,
  Module,
  RequestMethod,
  VERSION_NEUTRAL,
  Version,
  VersioningType,
  type ControllerOptions,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { DtmConfigError, DtmService, SagaBranch, TccAction, branchOf } from 'nestjs-dtm';
import { afterEach, describe, expect, test } from 'vitest';
import { callBranch, closeApps, startApp, type AppOptions } from './app.js';
import { platforms } from './platforms.js';
import { recordingServer } from './recording-server.js';

let called: string[] = [];

function makeController(options: string | string[] | ControllerOptions): Type<{ pay(): void; undoPay(): void }> {
  @Controller(options as ControllerOptions)
  class BankController {
    @SagaBranch({ compensate: 'undoPay' })
    pay(): void {
      called.push('pay');
    }
    undoPay(): void {
      called.push('undoPay');
    }
  }
  return BankController;
}

const BankController = makeController('bank');

@Controller('bank')
class PathController {
  @SagaBranch({ compensate: 'undoPay', path: 'pay/out' })
  pay(): void {
    called.push('pay');
  }
  undoPay(): void {
    called.push('undoPay');
  }
}

@Controller('bank')
class MethodVersionController {
  @Version('3')
  @SagaBranch({ compensate: 'undoPay' })
  pay(): void {
    called.push('pay');
  }
  undoPay(): void {
    called.push('undoPay');
  }
}

@Module({ controllers: [BankController] })
class BankModule {}

const uriVersions = (app: INestApplication): void => {
  app.enableVersioning({ type: VersioningType.URI });
};

interface Case extends Partial<AppOptions> {
  readonly controller?: Type<{ pay(): void; undoPay(): void }>;
  readonly action: string;
  readonly compensate: string;
}

const cases: Record<string, Case> = {
  'controller and method': { action: '/bank/pay', compensate: '/bank/undoPay' },
  'no controller path': { controller: makeController(''), action: '/pay', compensate: '/undoPay' },
  'slashes everywhere': { controller: makeController('/a/b/'), action: '/a/b/pay', compensate: '/a/b/undoPay' },
  'several controller paths': { controller: makeController(['a', 'b']), action: '/a/pay', compensate: '/a/undoPay' },
  'characters of all allowed kinds': {
    controller: makeController('a.b-c_d~e/$f@G9'),
    action: '/a.b-c_d~e/$f@G9/pay',
    compensate: '/a.b-c_d~e/$f@G9/undoPay',
  },
  'own path of the action': { controller: PathController, action: '/bank/pay/out', compensate: '/bank/undoPay' },
  'global prefix': {
    configure: (app) => void app.setGlobalPrefix('api/v0/'),
    action: '/api/v0/bank/pay',
    compensate: '/api/v0/bank/undoPay',
  },
  'global prefix with an exclusion': {
    configure: (app) => void app.setGlobalPrefix('api', { exclude: ['bank/undoPay'] }),
    action: '/api/bank/pay',
    compensate: '/bank/undoPay',
  },
  'an exclusion for GET only does not apply': {
    configure: (app) => void app.setGlobalPrefix('api', { exclude: [{ path: 'bank/pay', method: RequestMethod.GET }] }),
    action: '/api/bank/pay',
    compensate: '/api/bank/undoPay',
  },
  'URI version of the controller': {
    controller: makeController({ path: 'bank', version: '1' }),
    configure: uriVersions,
    action: '/v1/bank/pay',
    compensate: '/v1/bank/undoPay',
  },
  'several URI versions': {
    controller: makeController({ path: 'bank', version: ['2', '1'] }),
    configure: uriVersions,
    action: '/v2/bank/pay',
    compensate: '/v2/bank/undoPay',
  },
  'URI version of the method': {
    controller: MethodVersionController,
    configure: uriVersions,
    action: '/v3/bank/pay',
    compensate: '/bank/undoPay',
  },
  'default version, prefix and global prefix': {
    configure: (app) =>
      void app
        .setGlobalPrefix('api')
        .enableVersioning({ type: VersioningType.URI, defaultVersion: '7', prefix: 'version-' }),
    action: '/api/version-7/bank/pay',
    compensate: '/api/version-7/bank/undoPay',
  },
  'neutral under header versioning': {
    controller: makeController({ path: 'bank', version: VERSION_NEUTRAL }),
    configure: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
    action: '/bank/pay',
    compensate: '/bank/undoPay',
  },
  'unversioned under header versioning': {
    configure: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
    action: '/bank/pay',
    compensate: '/bank/undoPay',
  },
  'a version without versioning': {
    controller: makeController({ path: 'bank', version: '1' }),
    action: '/bank/pay',
    compensate: '/bank/undoPay',
  },
  RouterModule: {
    imports: [BankModule, RouterModule.register([{ path: 'money', children: [{ path: 'eu', module: BankModule }] }])],
    configure: (app) => void app.setGlobalPrefix('api'),
    action: '/api/money/eu/bank/pay',
    compensate: '/api/money/eu/bank/undoPay',
  },
};

describe.each(platforms)('URLs on %s', (platform) => {
  afterEach(closeApps);

  test.each(Object.entries(cases))(
    '%s',
    async (_name, { controller = BankController, imports, configure, action, compensate }) => {
      called = [];
      const { app, url, server } = await startApp({
        platform,
        ...(imports ? { imports } : { controllers: [controller] }),
        ...(configure && { configure }),
      });
      await app.get(DtmService).saga().add(branchOf(controller, 'pay'), undefined).submit();
      const [step] = server.submitted[0]!.steps!;
      expect(step).toEqual({ action: url + action, compensate: url + compensate });
      // Nest serves the branch at the computed URLs
      expect((await callBranch(step!.action)).status).toBe(200);
      expect((await callBranch(step!.compensate!, { op: 'compensate', payload: {} })).status).toBe(200);
      expect(called).toEqual(['pay', 'undoPay']);
    },
  );

  test('a TCC has three URLs', async () => {
    @Controller('bank')
    class TccController {
      @TccAction({ confirm: 'confirm', cancel: 'cancel', path: 'try' })
      freeze(): string {
        return 'frozen';
      }
      confirm(): void {}
      cancel(): void {}
    }
    const { app, url, server } = await startApp({ platform, controllers: [TccController] });
    const result = await app.get(DtmService).tcc((tcc) => tcc.call(branchOf(TccController, 'freeze'), undefined));
    expect(result).toBe('frozen');
    expect(server.registered).toEqual([
      {
        gid: 'gid-1',
        transType: 'tcc',
        branchId: '01',
        payload: '',
        confirm: `${url}/bank/confirm`,
        cancel: `${url}/bank/cancel`,
      },
    ]);
    expect(server.log).toContain('submit gid-1');
  });
});

const stepOf = async (options: Partial<AppOptions>, at?: string): Promise<string> => {
  const { app, server } = await startApp({ controllers: [BankController], ...options });
  const recording = (options.dtm?.server ?? server) as typeof server;
  await app
    .get(DtmService)
    .saga()
    .add(branchOf(BankController, 'pay', { at }), undefined)
    .submit();
  return recording.submitted[0]!.steps![0]!.action;
};

describe('the base URL', () => {
  afterEach(closeApps);

  test.each(['http://localhost:36789/api/dtmsvr', 'http://127.0.0.1:36789', 'http://[::1]:36789'])(
    'is this machine when the coordinator is at %s',
    async (address) => {
      expect(await stepOf({ dtm: { server: recordingServer(address) } })).toMatch(
        /^http:\/\/127.0.0.1:\d+\/bank\/pay$/,
      );
    },
  );

  test('must be given when the coordinator is on another machine', async () => {
    const { app } = await startApp({
      controllers: [BankController],
      dtm: { server: recordingServer('http://dtm:36789/api/dtmsvr') },
    });
    const saga = app.get(DtmService).saga();
    expect(() => saga.add(branchOf(BankController, 'pay'), undefined)).toThrow(DtmConfigError);
    expect(() => saga.add(branchOf(BankController, 'pay'), undefined)).toThrow(
      /http:\/\/dtm:36789.*set the option endpoint\.http/,
    );
  });

  test('is endpoint.http', async () => {
    const dtm = { server: recordingServer('http://dtm:36789'), endpoint: { http: 'https://gateway/bank-app/' } };
    expect(await stepOf({ dtm, configure: (app) => void app.setGlobalPrefix('api') })).toBe(
      'https://gateway/bank-app/api/bank/pay',
    );
  });

  test('may be the one of another deployment', async () => {
    expect(await stepOf({ dtm: { server: recordingServer('http://dtm:36789') } }, 'http://bank2:3000')).toBe(
      'http://bank2:3000/bank/pay',
    );
  });

  test('is not known before the application listens', async () => {
    const { app } = await startApp({ controllers: [BankController], listen: false });
    await app.init();
    expect(() => app.get(DtmService).saga().add(branchOf(BankController, 'pay'), undefined)).toThrow(
      /not known before the application listens/,
    );
  });

  test('is https when the application serves HTTPS', async () => {
    // listening needs no certificate
    expect(await stepOf({ nest: { httpsOptions: {} } })).toMatch(/^https:\/\/127.0.0.1:\d+\/bank\/pay$/);
  });

  test('is not known when the application listens on a Unix socket', async () => {
    const { app } = await startApp({ controllers: [BankController], listen: false });
    await app.listen(join(await mkdtemp(join(tmpdir(), 'dtm-')), 'socket'));
    expect(() => app.get(DtmService).saga().add(branchOf(BankController, 'pay'), undefined)).toThrow(
      /listens on .*socket, where no branch can be called/,
    );
  });

  test('follows the address that the application listens on', async () => {
    const { app, server } = await startApp({ controllers: [BankController], listen: false });
    await app.listen(0, '::1');
    await app.get(DtmService).saga().add(branchOf(BankController, 'pay'), undefined).submit();
    const { action } = server.submitted[0]!.steps![0]!;
    expect(action).toMatch(/^http:\/\/\[::1\]:\d+\/bank\/pay$/);
    expect((await callBranch(action)).status).toBe(200);
  });
});

describe('references', () => {
  afterEach(closeApps);

  @Controller('other')
  class OtherController {
    plain(): void {}
    @TccAction({ confirm: 'confirm', cancel: 'cancel' })
    freeze(): void {}
    confirm(): void {}
    cancel(): void {}
    @SagaBranch({ compensate: false })
    final(): void {}
  }

  test('that are wrong throw an error with the remedy', async () => {
    const { app } = await startApp({ controllers: [OtherController] });
    const dtm = app.get(DtmService);
    const add = (ref: ReturnType<typeof branchOf>) => (): unknown => dtm.saga().add(ref, undefined);
    expect(add(branchOf(BankController, 'pay'))).toThrow(
      /BankController\.pay: no module of this application lists BankController as a controller with branches/,
    );
    expect(add(branchOf(OtherController, 'plain'))).toThrow(
      /OtherController\.plain is no branch; decorate it with @SagaBranch/,
    );
    expect(add(branchOf(OtherController, 'freeze'))).toThrow(
      /OtherController\.freeze is a tcc branch; a saga needs a method with @SagaBranch/,
    );
    expect(add({})).toThrow(
      /an object is no branch of a saga; give \{ action, compensate \}, or a reference that branchOf\(\) returned/,
    );
    await expect(dtm.tcc((tcc) => tcc.call(branchOf(OtherController, 'cancel'), undefined))).rejects.toThrow(
      /OtherController\.cancel is the cancel of freeze; reference the branch by freeze/,
    );
    await expect(dtm.tcc((tcc) => tcc.call(branchOf(OtherController, 'final'), undefined))).rejects.toThrow(
      /a tcc needs a method with @TccAction/,
    );
    expect(() => branchOf(OtherController, 'final', { at: 'bank2' })).toThrow(
      /branchOf\(OtherController, 'final'\): at "bank2" is not a gRPC address/,
    );
    expect(() => branchOf(undefined as unknown as typeof OtherController, 'final')).toThrow(/circular import/);
  });

  test('a branch without a compensation has an empty URL for it', async () => {
    const { app, server, url } = await startApp({ controllers: [OtherController] });
    await app.get(DtmService).saga().add(branchOf(OtherController, 'final'), undefined).submit();
    expect(server.submitted[0]!.steps).toEqual([{ action: `${url}/other/final`, compensate: '' }]);
  });

  test('a controller in two modules has two endpoints and needs URLs', async () => {
    @Module({ controllers: [OtherController] })
    class A {}
    @Module({ controllers: [OtherController] })
    class B {}
    const { app } = await startApp({
      imports: [
        A,
        B,
        RouterModule.register([
          { path: 'a', module: A },
          { path: 'b', module: B },
        ]),
      ],
    });
    expect(() => app.get(DtmService).saga().add(branchOf(OtherController, 'final'), undefined)).toThrow(
      /several endpoints \(\/a\/other\/final, \/b\/other\/final\)/,
    );
  });
});
