import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Demo } from './transfer/demo.js';

const once = process.argv.includes('--once');
const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? (once ? 0 : 3000), '127.0.0.1');

const isAsExpected = await app.get(Demo).run();
if (!isAsExpected) Logger.error('a balance or a state is not as expected', 'Sample');

if (once) {
  await app.close();
  process.exitCode = isAsExpected ? 0 : 1;
} else {
  const url = await app.getUrl();
  Logger.log(
    `try: curl -X POST '${url}/transfer?mode=saga' -H 'content-type: application/json' -d '{"from":1,"to":2,"amount":30}'`,
    'Sample',
  );
}
