import type { StepUrls, TccUrls } from 'nestjs-dtm';
import { BANK_IN, BANK_OUT, PROTOCOL, type Address } from './addresses.js';

/*
 * The initiator knows the banks by URL only, as it would know services in Java or Go. Over HTTP a branch is at
 * /<controller>/<method>, over gRPC at /nestjsdtm.<Controller>/<Method>.
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
