/** The engine's thread for a service under test. */
require('./typescript.cjs');

module.exports = require('../../src/engine-thread.ts');
