/**
 * Tests on the data that lies beside the checkout in ../shared (the benchmark, its networks). A clone without it runs
 * everything else and says by name what it left out; on CI its absence is a failure.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

/** The shared directory, whether it exists or not. */
export const SHARED = path.join(__dirname, '..', '..', '..', 'shared');

/** As `describe`, for tests that need ../shared. */
export function describeWithShared(name: string, tests: () => void): void {
  if (existsSync(SHARED)) {
    describe(name, tests);
  } else if (process.env.CI === 'true') {
    test(`${name}: needs ../shared`, () => {
      throw new Error(`${SHARED} does not exist; on CI it must.`);
    });
  } else {
    test.skip(`${name}: left out, because ../shared is not there`, () => {});
  }
}
