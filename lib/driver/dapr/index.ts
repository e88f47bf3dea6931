/**
 * The driver of Dapr.
 *
 * @module nestjs-dtm/driver/dapr
 */
export { daprDriver } from './dapr-driver.js';
export { daprPayload } from './dapr-payload.js';
