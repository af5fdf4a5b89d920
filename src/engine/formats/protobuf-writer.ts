/**
 * Writes protobuf's wire format. A field without a value is left out, and the same fields give the same bytes. It knows wire
 * types only: which fields a message has is in the encoder (onnx-encoder.ts).
 */

const VARINT = 0;
const DELIMITED = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();

export class ProtobufWriter {
  private buffer = new Uint8Array(4096);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  /** A whole number of up to 64 bits. */
  integer(field: number, value: number | undefined): void {
    if (value === undefined) return;
    this.tag(field, VARINT);
    this.varint(value);
  }

  float(field: number, value: number | undefined): void {
    if (value === undefined) return;
    this.tag(field, FIXED32);
    this.putFloat(value);
  }

  bytes(field: number, value: Uint8Array | undefined): void {
    if (value === undefined) return;
    this.tag(field, DELIMITED);
    this.varint(value.length);
    const start = this.grow(value.length);
    this.buffer.set(value, start);
  }

  text(field: number, value: string | undefined): void {
    if (value !== undefined) this.bytes(field, utf8.encode(value));
  }

  message<T>(field: number, value: T | undefined, write: (writer: ProtobufWriter, value: T) => void): void {
    if (value === undefined) return;
    this.tag(field, DELIMITED);
    this.delimited(() => write(this, value));
  }

  integers(field: number, values: readonly number[] = []): void {
    for (const value of values) this.integer(field, value);
  }

  floats(field: number, values: readonly number[] = []): void {
    for (const value of values) this.float(field, value);
  }

  byteLists(field: number, values: readonly Uint8Array[] = []): void {
    for (const value of values) this.bytes(field, value);
  }

  texts(field: number, values: readonly string[] = []): void {
    for (const value of values) this.text(field, value);
  }

  messages<T>(field: number, values: readonly T[] = [], write: (writer: ProtobufWriter, value: T) => void): void {
    for (const value of values) this.message(field, value, write);
  }

  packedIntegers(field: number, values: readonly number[] = []): void {
    this.packed(field, values, (value) => this.varint(value));
  }

  packedFloats(field: number, values: readonly number[] = []): void {
    this.packed(field, values, (value) => this.putFloat(value));
  }

  packedDoubles(field: number, values: readonly number[] = []): void {
    this.packed(field, values, (value) => this.putDouble(value));
  }

  private packed(field: number, values: readonly number[], write: (value: number) => void): void {
    if (values.length === 0) return;
    this.tag(field, DELIMITED);
    this.delimited(() => values.forEach(write));
  }

  /** What `write` writes, its length before it. */
  private delimited(write: () => void): void {
    const start = this.length;
    write();
    const size = this.length - start;
    // The length takes as many bytes as it needs, which is known only now: what was written moves behind it.
    this.varint(size);
    const lengthBytes = this.buffer.slice(start + size, this.length);
    this.buffer.copyWithin(start + lengthBytes.length, start, start + size);
    this.buffer.set(lengthBytes, start);
  }

  private tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** Seven bits a byte, the lowest first. Negative numbers are two's complement of 64 bits: ten bytes. */
  private varint(value: number): void {
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
      this.longVarint(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.putByte((rest % 128) | 0x80);
    this.putByte(rest);
  }

  private longVarint(value: bigint): void {
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) this.putByte(Number(rest & 0x7fn) | 0x80);
    this.putByte(Number(rest));
  }

  private putByte(byte: number): void {
    const at = this.grow(1);
    this.buffer[at] = byte;
  }

  private putFloat(value: number): void {
    const at = this.grow(4);
    this.view.setFloat32(at, value, true);
  }

  private putDouble(value: number): void {
    const at = this.grow(8);
    this.view.setFloat64(at, value, true);
  }

  /** Makes room for bytes, in a larger buffer if need be; returns where they go. */
  private grow(bytes: number): number {
    const start = this.length;
    this.length += bytes;
    if (this.length > this.buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.length));
      larger.set(this.buffer);
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    return start;
  }
}
