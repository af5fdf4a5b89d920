/** Program of measured-reading.ts: files to read as JSON in the one argument, the report as JSON on standard output. */
require('./typescript.cjs');
const { measureReading } = require('./measured-reading.ts');

process.stdout.write(JSON.stringify(measureReading(JSON.parse(process.argv[2]))));
