/**
 * The wire of DTM as data and pure functions. Nothing in here does I/O.
 *
 * @module nestjs-dtm/protocol
 */
export * from './internal.js';
