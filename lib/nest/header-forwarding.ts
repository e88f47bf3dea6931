import { Injectable } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { ForwardHeadersInterceptor } from './forward-headers.interceptor.js';
import { DtmSettings } from './options/dtm.settings.js';

/**
 * Adds the interceptor of the option `forwardHeaders`. Without the option there is none, because an interceptor costs each request of
 * the application a third of its time in Nest. Created with the application, before `connectMicroservice` can read its interceptors.
 */
@Injectable()
export class HeaderForwarding {
  constructor({ forwardedHeaders }: DtmSettings, config: ApplicationConfig) {
    if (forwardedHeaders) config.addGlobalInterceptor(new ForwardHeadersInterceptor(forwardedHeaders));
  }
}
