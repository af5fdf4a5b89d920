/**
 * A service in a process of its own, for tests of what it takes (memory, time) and of what it logs. Configured by the
 * environment as in production. Writes its URL as the first line of standard error; ends at SIGTERM.
 */
require('./typescript.cjs');

const path = require('node:path');
const { readConfig } = require('../../src/config.ts');
const { startService } = require('../../src/main.ts');

startService(readConfig(), { engineThread: path.join(__dirname, 'engine-thread.cjs') }).then((service) => {
  process.stderr.write(`${service.url}\n`);
  process.once('SIGTERM', () => service.stop());
});
