/** Little-endian bytes of a constant as numbers, for each element type. Knows no format. */
import type { ElementType } from '../graph';

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

/** Undefined for texts, which are no numbers. */
export function decodeValues(bytes: Uint8Array, type: ElementType): number[] | undefined {
  // A copy, because typed arrays start at a multiple of their elements' size.
  const decoded = DECODERS[type]?.(new Uint8Array(bytes).buffer);
  return decoded && Array.from(decoded, Number);
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
