/**
 * The real measurements and graphs that stand beside the checkout in ../shared. Somebody else's clone may lack them: the
 * suites that need them then say so by name and the rest runs; in CI their absence is a failure.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

export const SHARED = path.resolve(__dirname, '../../../shared');

/** `describe` for a suite that reads ../shared; `define` is not called where it is absent. */
export function describeWithShared(name: string, define: () => void): void {
  if (existsSync(path.join(SHARED, 'README.md'))) {
    describe(name, define);
  } else if (process.env.CI === 'true') {
    test(`${name}: ../shared must be present in CI`, () => {
      throw new Error(`${SHARED} is absent`);
    });
  } else {
    test.skip(`${name} (needs ../shared, which is absent)`, () => {});
  }
}
