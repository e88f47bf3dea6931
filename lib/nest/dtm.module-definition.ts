import { ConfigurableModuleBuilder, type ConfigurableModuleAsyncOptions } from '@nestjs/common';
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
export const DTM_OPTIONS: unique symbol = Symbol.for('nestjs-dtm:options');

/** Options of the module itself, in addition to those of the package. */
export interface DtmModuleExtras {
  /** Whether every module of the application can inject `DtmService` without importing `DtmModule`. @default true */
  readonly isGlobal?: boolean | undefined;
}

/** Argument of `DtmModule.forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`. */
export type DtmModuleAsyncOptions = ConfigurableModuleAsyncOptions<DtmModuleOptions, 'createDtmOptions'> &
  DtmModuleExtras;

/** Implemented by a class that `forRootAsync` gets as `useClass` or `useExisting`. */
export interface DtmOptionsFactory {
  /** Creates the options. */
  createDtmOptions(): DtmModuleOptions | Promise<DtmModuleOptions>;
}

/** Nest's `forRoot` and `forRootAsync`, for {@link DtmModuleOptions}. */
export const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<DtmModuleOptions>({
  optionsInjectionToken: DTM_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createDtmOptions')
  .setExtras<DtmModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({
    ...definition,
    global: isGlobal ?? true,
  }))
  .build();
