/** Every test runs on real parts; suites that need a server start it themselves (test/testkit). */
module.exports = {
  // Node's environment with the outer typed arrays, which onnxruntime-node's bindings ask for by identity.
  testEnvironment: '<rootDir>/test/testkit/environment.cjs',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  testTimeout: 60_000,
  maxWorkers: 2,
};
