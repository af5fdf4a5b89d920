/**
 * Which GPU a device has: rules of GPU delegates depend on it. The benchmark's phones; other devices say theirs.
 */

/** GPU by device, as the scenarios of mobile-ml-benchmark name devices. */
export const DEVICE_GPUS: Readonly<Record<string, string>> = {
  pixel4: 'adreno-640',
  mi8se: 'adreno-616',
  onefusion: 'adreno-616',
  s10: 'mali-g76',
  a03s: 'powervr-ge8320',
  iphone7: 'apple-a10',
  iphonexs: 'apple-a12',
};

/** What GPU names look like. */
export const GPU_PATTERN = /^(adreno|mali|powervr|apple|amd|nvidia|intel)-[a-z0-9-]+$/;
