export { redactUrls } from '../../support/redact-urls.js';
