export { appDriver } from './app-driver.js';
export { appAddress, isAppUrl, parseAppUrl, type AppUrl } from './app-url.js';
