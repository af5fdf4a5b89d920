/**
 * jest's Node environment with the outer realm's Float32Array: onnxruntime-node checks tensors against that one, and
 * jest gives each test file globals of its own.
 */
const { TestEnvironment } = require('jest-environment-node');

module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.Float32Array = Float32Array;
  }
};
