import type { StepUrls, TccUrls } from 'nestjs-dtm';
import { BANK_IN, BANK_OUT, PROTOCOL, type Address } from './addresses.js';

/*
 * The initiator knows only the URLs of the banks, like those of services in Java or Go. A branch has the path
 * /<controller>/<method> over HTTP, and /nestjsdtm.<Controller>/<Method> over gRPC.
 */

const bankOut = urlsOf(BANK_OUT, 'bank-out', 'BankOut');
const bankIn = urlsOf(BANK_IN, 'bank-in', 'BankIn');

export const SAGA_OUT: StepUrls = { action: bankOut('transOut'), compensate: bankOut('undoTransOut') };
export const SAGA_IN: StepUrls = { action: bankIn('transIn'), compensate: bankIn('undoTransIn') };

export const TCC_OUT: TccUrls = {
  try: bankOut('freeze'),
  confirm: bankOut('confirmFreeze'),
  cancel: bankOut('unfreeze'),
};
export const TCC_IN: TccUrls = {
  try: bankIn('prepareIn'),
  confirm: bankIn('confirmIn'),
  cancel: bankIn('cancelIn'),
};

export const XA_OUT = urlsOf(BANK_OUT, 'bank-out-xa', 'BankOutXa')('transOut');
export const XA_IN = urlsOf(BANK_IN, 'bank-in-xa', 'BankInXa')('transIn');

function urlsOf({ http, grpc }: Address, path: string, service: string): (method: string) => string {
  return PROTOCOL === 'grpc'
    ? (method) => `${grpc}/nestjsdtm.${service}/${method.charAt(0).toUpperCase()}${method.slice(1)}`
    : (method) => `http://${http}/${path}/${method}`;
}
