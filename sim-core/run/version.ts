/** Version of the engine: runs of the same scenario and seed are equal within one. */
export const ENGINE_VERSION = '0.1.0'
