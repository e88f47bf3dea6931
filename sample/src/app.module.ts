import { Module } from '@nestjs/common';
import { DtmModule } from 'nestjs-dtm';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { dataFolder } from './data-folder.js';
import { TransferModule } from './transfer/transfer.module.js';

@Module({
  imports: [
    DtmModule.forRoot({
      // the coordinator in this process, or a real dtm: DTM_SERVER=http://localhost:36789/api/dtmsvr
      server: process.env.DTM_SERVER ?? embeddedServer({ store: sqliteStore({ path: dataFolder('dtm.db') }) }),
    }),
    TransferModule,
  ],
})
export class AppModule {}
