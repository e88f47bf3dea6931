import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { DtmModuleOptions } from './options/dtm.options.js';

/** Token of the options as the user gave them. */
export const DTM_OPTIONS = Symbol('DTM_OPTIONS');

/** Options of the module beside those of the package. */
interface DtmModuleExtras {
  /** Whether every module of the application can inject what this one provides. @default true */
  isGlobal: boolean;
}

/** Base of `DtmModule` with `forRoot` and `forRootAsync`. */
export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<DtmModuleOptions>({
    optionsInjectionToken: DTM_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createDtmOptions')
    .setExtras<DtmModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();

/** Argument of `DtmModule.forRootAsync`. */
export type DtmModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/** What a class given to `forRootAsync` as `useClass` or `useExisting` implements. */
export interface DtmOptionsFactory {
  /** Makes the options. */
  createDtmOptions(): DtmModuleOptions | Promise<DtmModuleOptions>;
}
