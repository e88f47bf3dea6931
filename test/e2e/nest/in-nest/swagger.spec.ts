import { Body, Controller, Post, VersioningType, type INestApplication } from '@nestjs/common';
import {
  ApiExcludeEndpoint,
  ApiExtension,
  ApiOperation,
  ApiProperty,
  ApiQuery,
  ApiTags,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { BranchPayload, MsgBranch, SagaBranch } from 'nestjs-dtm';
import { describe, expect, test } from 'vitest';
import { memoryAdapter } from '../../../unit/barrier/memory-adapter.js';
import { startOver, type StartOptions } from './start-over.js';

class Amount {
  @ApiProperty()
  value!: number;
}

/** Classes of their own, because the description of a branch belongs to its class. */
function createControllers() {
  @Controller('bank')
  class BankController {
    @SagaBranch({ compensate: 'undoPay' })
    pay(@BranchPayload() _amount: Amount): void {}
    undoPay(): void {}

    @Post('plain')
    plain(@Body() _amount: Amount): void {}
  }

  @ApiTags('stock')
  @Controller('stock')
  class StockController {
    @ApiOperation({ operationId: 'take' })
    @ApiExtension('x-own', { a: 1 })
    @ApiQuery({ name: 'gid', description: 'own' })
    @ApiExcludeEndpoint(false)
    @MsgBranch()
    take(@BranchPayload() _amount: Amount): void {}

    @ApiExcludeEndpoint()
    @MsgBranch()
    secret(): void {}
  }
  return [BankController, StockController];
}

const list = ({ paths }: OpenAPIObject): string[] =>
  Object.entries(paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
    .toSorted();

const document = (app: INestApplication): OpenAPIObject =>
  SwaggerModule.createDocument(app, new DocumentBuilder().build());

describe.each(['express', 'fastify'] as const)('the document of @nestjs/swagger on %s', (platform) => {
  const start = (options: Partial<StartOptions> = {}) =>
    startOver([platform, 'http'], {
      controllers: createControllers(),
      ...options,
      dtm: { databases: { default: { barrier: memoryAdapter().adapter } }, ...options.dtm },
    });

  test.each(['with', 'without'])('has no branches but those that ask for it, %s a database', async (databases) => {
    let early: OpenAPIObject | undefined;
    const { app } = await start({
      ...(databases === 'without' && { dtm: { databases: {} } }),
      configure: (created) => void (early = document(created)),
    });
    expect(list(document(app))).toEqual(['post /bank/plain', 'post /stock/take']);
    expect(list(early!)).toEqual(list(document(app)));
  });

  test('has each branch once when asked, and never the query-back', async () => {
    const { app } = await start({ dtm: { swagger: true } });
    const shown = document(app);
    expect(list(shown)).toEqual(['post /bank/pay', 'post /bank/plain', 'post /bank/undoPay', 'post /stock/take']);
    const pay = shown.paths['/bank/pay']!.post!;
    expect(pay).toMatchObject({ tags: ['Bank', 'branches'], operationId: 'BankController_pay' });
    expect(pay.requestBody).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Amount' } } },
    });
    const names = (pay.parameters as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(['gid', 'trans_type', 'branch_id', 'op']);
  });

  test('keeps what the application says of a branch', async () => {
    const { app } = await start({ dtm: { swagger: true } });
    const take = document(app).paths['/stock/take']!.post!;
    expect(take).toMatchObject({ tags: ['stock'], operationId: 'take', 'x-own': { a: 1 } });
    expect(take.parameters).toContainEqual(expect.objectContaining({ name: 'gid', description: 'own' }));
    expect(take.parameters).toHaveLength(4);
  });

  test('has the paths with prefix and version', async () => {
    const { app } = await start({
      dtm: { swagger: true },
      configure: (created) => {
        created.setGlobalPrefix('api');
        created.enableVersioning({ type: VersioningType.URI, defaultVersion: ['1', '2'] });
      },
    });
    expect(list(document(app)).filter((line) => line.includes('/pay'))).toEqual([
      'post /api/v1/bank/pay',
      'post /api/v2/bank/pay',
    ]);
  });
});
