/**
 * Jest's Node environment for tests that run onnxruntime in their own process: its native part makes typed arrays of
 * Node's own realm, and its JavaScript part, which Jest loads into the test's realm, must take them for what they are.
 */
const { TestEnvironment } = require('jest-environment-node');

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { BigInt64Array, BigUint64Array, Float32Array, Float64Array, Int32Array });
  }
};
