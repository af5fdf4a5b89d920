/** Version of the engine: part of every exported predictor, equal to the package's. */
export const ENGINE_VERSION = '0.1.0';
