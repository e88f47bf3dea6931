import type { TransType } from '../../protocol/internal.js';
import type { Mode } from './mode.js';
import { msg } from './msg.js';
import { saga } from './saga.js';
import { tcc } from './tcc.js';
import { workflow } from './workflow.js';
import { xa } from './xa.js';

/** The five transaction modes. */
export const MODES: Readonly<Record<TransType, Mode>> = { msg, saga, tcc, xa, workflow };
