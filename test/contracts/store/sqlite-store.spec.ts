import { sqliteStore } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { tempFolder } from '../../support/temp-folder.js';
import { describeStore } from './store-contract.js';

describeStore('SQLite store', () => sqliteStore({ path: join(tempFolder(), 'deep', 'dtm.db') }));
