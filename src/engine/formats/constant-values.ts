/**
 * Bytes of constants as numbers, for each element type: how many there have to be, and the values of those types that
 * decide shapes or bounds. Knows no format; both have their numbers little-endian, and those under 8 bits packed.
 */
import type { ElementType } from '../graph';

/** Bits of an element; undefined for texts, which have no fixed size. */
const ELEMENT_BITS: Readonly<Record<ElementType, number | undefined>> = {
  float64: 64,
  float32: 32,
  float16: 16,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  float8e8m0: 8,
  float6e2m3: 6,
  float6e3m2: 6,
  float4e2m1: 4,
  complex128: 128,
  complex64: 64,
  int64: 64,
  int32: 32,
  int16: 16,
  int8: 8,
  int4: 4,
  int2: 2,
  uint64: 64,
  uint32: 32,
  uint16: 16,
  uint8: 8,
  uint4: 4,
  uint2: 2,
  bool: 8,
  string: undefined,
};

/** Bytes of so many elements; undefined for texts. */
export function byteCount(type: ElementType, elements: number): number | undefined {
  const bits = ELEMENT_BITS[type];
  return bits && Math.ceil((elements * bits) / 8);
}

type Decoder = (bytes: ArrayBuffer) => ArrayLike<number | bigint>;

/** Every machine that this runs on is little-endian, as the files are. */
const DECODERS: Readonly<Partial<Record<ElementType, Decoder>>> = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  float16: (bytes) => Array.from(new Uint16Array(bytes), halfToNumber),
  bfloat16: (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer),
  int8: (bytes) => new Int8Array(bytes),
  int16: (bytes) => new Int16Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  int64: (bytes) => new BigInt64Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  uint16: (bytes) => new Uint16Array(bytes),
  uint32: (bytes) => new Uint32Array(bytes),
  uint64: (bytes) => new BigUint64Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
};

/**
 * Undefined for types whose values decide nothing about a network: texts, complex numbers and numbers of few bits.
 *
 * @param bytes a whole number of elements
 */
export function decodeValues(bytes: Uint8Array, type: ElementType): number[] | undefined {
  // A copy, because typed arrays start at a multiple of their elements' size.
  const decoded = DECODERS[type]?.(new Uint8Array(bytes).buffer);
  if (!decoded) return undefined;
  const values = new Array<number>(decoded.length);
  for (let i = 0; i < values.length; i++) values[i] = Number(decoded[i]);
  return values;
}

/** False for the types that decodeValues decodes none of. */
export function hasNumbers(type: ElementType): boolean {
  return DECODERS[type] !== undefined;
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent, 10 bits fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
