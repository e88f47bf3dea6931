import { memoryStore } from 'nestjs-dtm/server';
import { describeStore } from './store-contract.js';

describeStore('memory store', memoryStore);
