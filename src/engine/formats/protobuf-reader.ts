/**
 * Reads protobuf's wire format (protobuf.dev/programming-guides/encoding) from bytes that nobody vouches for. It knows wire
 * types only: which fields a message has is in the decoder that asks (onnx-decoder.ts).
 *
 *     for (let field = reader.field(); field !== 0; field = reader.field()) {
 *       if (field === 1) name = reader.text();
 *       else reader.skip();
 *     }
 */

/** Bytes that are no protobuf, or not of the messages that were expected. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';

  constructor(
    message: string,
    /** Offset from the start of the file. */
    readonly position: number,
  ) {
    super(message);
  }
}

/** How a field's value is laid out. Groups (3 and 4) have been out of use since 2008. */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** Messages inside messages: no ONNX file comes near, and protobuf's own libraries stop at 100 too. */
const MAXIMUM_DEPTH = 100;

/** Texts of one file are known by their hash: a later text takes the place of an earlier one with the same. A power of 2. */
const KNOWN_TEXTS = 1024;

/** Texts are cut out of pages that are decoded at once: a call of the decoder for each would cost more than the texts. */
const PAGE_BYTES = 4096;

const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

/** Any of four bytes that is not ASCII. */
const BEYOND_ASCII = 0x80808080;

export class ProtobufReader {
  private readonly buffer: Uint8Array;
  private readonly view: DataView;
  private position = 0;
  /** Where the message ends that is being read. */
  private end: number;
  private depth = 0;
  /** Wire type of the field that was asked for last. */
  private wireType = VARINT;
  /** Where the text of a hash stands that was met last, its length, and the text. */
  private readonly knownAt = new Int32Array(KNOWN_TEXTS);
  private readonly knownTexts: string[] = new Array(KNOWN_TEXTS).fill('');
  private page = '';
  private readonly pageBytes = new Uint8Array(PAGE_BYTES);
  private readonly pageView = new DataView(this.pageBytes.buffer);
  private pageStart = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }

  /** Number of the message's next field, whose value is to be read or skipped; 0 at the end of the message. */
  field(): number {
    if (this.position === this.end) return 0;
    const start = this.position;
    const tag = this.varint();
    this.wireType = tag & 7;
    if (tag < 8 || tag > 0xffffffff) throw new ProtobufError(`a field has the tag ${tag}`, start);
    return tag >>> 3;
  }

  skip(): void {
    switch (this.wireType) {
      case VARINT:
        this.varint();
        break;
      case FIXED64:
        this.take(8);
        break;
      case DELIMITED:
        this.take(this.varint());
        break;
      case FIXED32:
        this.take(4);
        break;
      default:
        throw new ProtobufError(`a field has wire type ${this.wireType}`, this.position);
    }
  }

  /** A signed number of up to 64 bits: exact up to 2^53, rounded beyond. */
  integer(): number {
    this.expect(VARINT);
    return this.varint();
  }

  float(): number {
    this.expect(FIXED32);
    return this.view.getFloat32(this.take(4), true);
  }

  double(): number {
    this.expect(FIXED64);
    return this.view.getFloat64(this.take(8), true);
  }

  /** A view of the file's bytes, not a copy. */
  bytes(): Uint8Array {
    const start = this.delimited();
    return new Uint8Array(this.buffer.buffer, this.buffer.byteOffset + start, this.position - start);
  }

  message<T>(read: (reader: ProtobufReader) => T): T {
    const outerEnd = this.end;
    const start = this.delimited();
    if (++this.depth > MAXIMUM_DEPTH) throw new ProtobufError(`messages nest deeper than ${MAXIMUM_DEPTH}`, start);
    this.end = this.position;
    this.position = start;
    const value = read(this);
    this.depth--;
    this.end = outerEnd;
    return value;
  }

  // Of a repeated field every occurrence is one more element, or a packed list of numbers. They go to the end of the list
  // that is given, or of a new one.

  messages<T>(list: T[] = [], read: (reader: ProtobufReader) => T): T[] {
    list.push(this.message(read));
    return list;
  }

  texts(list: string[] = []): string[] {
    list.push(this.text());
    return list;
  }

  byteLists(list: Uint8Array[] = []): Uint8Array[] {
    list.push(this.bytes());
    return list;
  }

  integers(list: number[] = []): number[] {
    if (this.wireType === DELIMITED) this.packed(list, () => this.varint());
    else list.push(this.integer());
    return list;
  }

  unsignedIntegers(list: number[] = []): number[] {
    const unsigned = (value: number) => (value < 0 ? value + 2 ** 64 : value);
    if (this.wireType === DELIMITED) this.packed(list, () => unsigned(this.varint()));
    else list.push(unsigned(this.integer()));
    return list;
  }

  floats(list: number[] = []): number[] {
    if (this.wireType === DELIMITED) this.packed(list, () => this.view.getFloat32(this.take(4), true));
    else list.push(this.float());
    return list;
  }

  doubles(list: number[] = []): number[] {
    if (this.wireType === DELIMITED) this.packed(list, () => this.view.getFloat64(this.take(8), true));
    else list.push(this.double());
    return list;
  }

  /** UTF-8. A text that the file has met before is the same string again. */
  text(): string {
    const start = this.delimited();
    const end = this.position;
    if (start === end) return '';
    const { view } = this;
    let hash = end - start;
    let beyondAscii = 0;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const four = view.getInt32(at, true);
      beyondAscii |= four;
      hash = Math.imul(hash ^ four, 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    for (; at < end; at++) {
      const one = view.getInt8(at);
      beyondAscii |= one;
      hash = Math.imul(hash ^ one, 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    const slot = (hash ^ (hash >>> 11)) & (KNOWN_TEXTS - 1);
    const known = this.knownTexts[slot];
    if (this.isAgain(this.knownAt[slot], known.length, start, end)) return known;
    const isAscii = (beyondAscii & BEYOND_ASCII) === 0;
    const text = isAscii ? this.ascii(start, end) : TEXT.decode(this.buffer.subarray(start, end));
    // One character a byte, so that the length of the text is that of its bytes; an offset beyond 2^31 is not kept.
    if (text.length === end - start && end < 2 ** 31) {
      this.knownAt[slot] = start;
      this.knownTexts[slot] = text;
    }
    return text;
  }

  /** True if the bytes of a known ASCII text are those from `start` to `end`. */
  private isAgain(earlier: number, length: number, start: number, end: number): boolean {
    if (length !== end - start) return false;
    const { view } = this;
    let at = start;
    for (; at + 4 <= end; at += 4)
      if (view.getInt32(at, true) !== view.getInt32(earlier + at - start, true)) return false;
    for (; at < end; at++) if (view.getInt8(at) !== view.getInt8(earlier + at - start)) return false;
    return true;
  }

  private ascii(start: number, end: number): string {
    const pageEnd = this.pageStart + this.page.length;
    if (start < this.pageStart || end > pageEnd) {
      // Behind weights that were jumped over no further text is near.
      const isNear = start - pageEnd < PAGE_BYTES;
      const fits = end - start <= PAGE_BYTES && start + PAGE_BYTES <= this.view.byteLength;
      if (!isNear || !fits) return TEXT.decode(this.buffer.subarray(start, end));
      this.turnPage(start);
    }
    return this.page.substring(start - this.pageStart, end - this.pageStart);
  }

  /** Makes a page of the bytes from `start` on. Without their highest bits they are a character each, whatever they are. */
  private turnPage(start: number): void {
    const { view } = this;
    for (let at = 0; at < PAGE_BYTES; at += 4)
      this.pageView.setInt32(at, view.getInt32(start + at, true) & ~BEYOND_ASCII, true);
    this.page = TEXT.decode(this.pageBytes);
    this.pageStart = start;
  }

  private packed(list: number[], read: () => number): void {
    const outerEnd = this.end;
    const start = this.delimited();
    this.end = this.position;
    this.position = start;
    while (this.position < this.end) list.push(read());
    this.end = outerEnd;
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType)
      throw new ProtobufError(`a field has wire type ${this.wireType} instead of ${wireType}`, this.position);
  }

  /** Steps over a field's bytes; returns where they start. */
  private delimited(): number {
    this.expect(DELIMITED);
    return this.take(this.varint());
  }

  /** Steps over bytes, checked to be there; returns where they start. */
  private take(length: number): number {
    const start = this.position;
    if (!(length >= 0 && length <= this.end - start))
      throw new ProtobufError(`${length} bytes are announced where ${this.end - start} are left`, start);
    this.position = start + length;
    return start;
  }

  /** Seven bits a byte, the lowest first; the highest bit says that another byte follows. */
  private varint(): number {
    const { buffer, end } = this;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.position === end) throw new ProtobufError('a number is cut off', end);
      const byte = buffer[this.position++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return this.longVarint(value);
  }

  /** Continues behind the first four bytes. Arithmetic on 64 bits in two halves: BigInt would be slower. */
  private longVarint(first: number): number {
    const { buffer, end } = this;
    let low = first;
    let high = 0;
    for (let shift = 28; shift < 70; shift += 7) {
      if (this.position === end) throw new ProtobufError('a number is cut off', end);
      const byte = buffer[this.position++];
      const bits = byte & 0x7f;
      if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else {
        high |= bits << (shift - 32);
      }
      if (byte < 0x80) return high * 2 ** 32 + (low >>> 0);
    }
    throw new ProtobufError('a number has more than 10 bytes', this.position);
  }
}
