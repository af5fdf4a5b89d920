/** The service's command in a process of its own. */
require('./typescript.cjs');

require('../../src/main.ts').main(process.argv[2]);
