/** Broken TFLite files and the error that each must give. */
import { EngineError } from '../../src/engine';
import { readTflite } from '../../src/engine/formats/tflite-reader';
import { type FileDeclaration, writeTflite } from './tflite-files';

export interface BrokenFile {
  readonly what: string;
  readonly file: Uint8Array | FileDeclaration;
  readonly bindings?: Record<string, number>;
  readonly code: string;
  readonly message: string | RegExp;
  readonly where?: string | RegExp;
  readonly remedy?: RegExp;
}

function refusal(bytes: Uint8Array, bindings?: Record<string, number>): EngineError {
  try {
    readTflite(bytes, { name: 'net', bindings });
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('the file was read');
}

/** One test a file: the exact code and message, where it is, and what to do. */
export function testRefusals(files: readonly BrokenFile[]): void {
  test.each(files)('$what: $code', ({ file, bindings, code, message, where, remedy }) => {
    const error = refusal(file instanceof Uint8Array ? file : writeTflite(file), bindings);
    expect(error.code).toBe(code);
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
    if (typeof where === 'string') expect(error.where).toBe(where);
    else if (where) expect(error.where).toMatch(where);
    // Every refusal says what to do.
    expect(error.remedy).toMatch(remedy ?? /\.$/);
  });
}
