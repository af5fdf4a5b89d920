/** Weights out of a network file, in a thread of the browser's own: the engine's code, the same that the command runs. */
import type { EngineError } from '../../../../src/engine/errors';
import { dynamicDimensions, stripNetwork } from '../../../../src/engine/stripping';
import type { StripAnswer } from './strip';

self.onmessage = async ({ data: file }: MessageEvent<File>) => {
  self.postMessage(await answer(file));
};

async function answer(file: File): Promise<StripAnswer> {
  try {
    const whole = new Uint8Array(await file.arrayBuffer());
    const dimensions = dynamicDimensions(whole);
    const { bytes, stripped } = stripNetwork(whole);
    return { bytes: new Blob([new Uint8Array(bytes)]), stripped, dimensions };
  } catch (error) {
    const { code = 'UNREADABLE_FILE', message, where, remedy = 'Choose another file.' } = error as EngineError;
    return { code, message, where, remedy };
  }
}
