import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { DtmModuleOptions } from './options/dtm.options.js';

/**
 * Injection token of the {@link DtmModuleOptions} that `forRoot` or `forRootAsync` got. A test overrides the options of an
 * imported module with it.
 *
 * @example
 * await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(DTM_OPTIONS)
 *   .useValue({ server: embeddedServer({ store: memoryStore() }) })
 *   .compile();
 */
export const DTM_OPTIONS = Symbol('DTM_OPTIONS');

/** Options of the module itself, beside those of the package. */
interface DtmModuleExtras {
  /** Whether every module of the application can inject `DtmService` without importing `DtmModule`. @default true */
  isGlobal: boolean;
}

/** Base of `DtmModule` with `forRoot` and `forRootAsync`. */
export const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } = new ConfigurableModuleBuilder<DtmModuleOptions>({
  optionsInjectionToken: DTM_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createDtmOptions')
  .setExtras<DtmModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

/** Argument of `DtmModule.forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`, and `isGlobal`. */
export type DtmModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/** Implemented by a class that `forRootAsync` gets as `useClass` or `useExisting`. */
export interface DtmOptionsFactory {
  /** Creates the options. */
  createDtmOptions(): DtmModuleOptions | Promise<DtmModuleOptions>;
}
