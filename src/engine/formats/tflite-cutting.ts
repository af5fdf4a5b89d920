/**
 * Cuts ranges of bytes out of a TFLite file and keeps it whole: every distance that reaches over a cut is shortened by what
 * was cut. It walks the tables of the schema; which bytes go is its caller's decision.
 */
import type { Field, FlatBuffer, TableSchema } from './tflite-flatbuffer';
import { Buffer, Model } from './tflite-schema';

/** Data in a FlatBuffer stands at multiples of up to this many bytes; cuts of a multiple leave them there. */
const ALIGNMENT = 16;

/** A vtable of 4 bytes of a table of 4 bytes, as two 16-bit numbers in one. */
const EMPTY_VTABLE = 4 | (4 << 16);

interface Cut {
  readonly start: number;
  readonly end: number;
}

export class CutFile {
  private readonly cuts: Cut[] = [];
  private readonly starts = new Set<number>();
  /** Bytes that stay of what is cut, because a cut is a multiple of ALIGNMENT: they are blanked. */
  private readonly blanks: Cut[] = [];
  /** What is written where once the file is cut: positions in the whole file, 32-bit values. */
  private readonly patches: { at: number; value: () => number }[] = [];
  private readonly walked = new Map<TableSchema, Set<number>>();
  /** Bytes cut before the end of each cut, in order. */
  private sums: number[] = [];

  constructor(private readonly file: FlatBuffer) {}

  /** Marks a buffer's data for cutting, in the FlatBuffer or behind it. In bytes. */
  cut(start: number, length: number): void {
    const end = start + length - (length % ALIGNMENT);
    this.cuts.push({ start, end });
    this.starts.add(start);
    this.blanks.push({ start: end, end: start + length });
  }

  /** The file without what was cut. @throws EngineError MALFORMED_FILE if something else stands in a cut */
  write(): Uint8Array {
    const root = this.file.root();
    this.cuts.sort((a, b) => a.start - b.start);
    this.cuts.reduce((last, { start, end }) => {
      if (start < last) throw this.file.malformed('two buffers overlap', start, Buffer.data.name);
      return end;
    }, 0);
    let sum = 0;
    this.sums = this.cuts.map(({ start, end }) => (sum += end - start));
    this.patch(0, 0, root);
    this.walk(root, Model, 'Model');
    return this.assemble();
  }

  private assemble(): Uint8Array {
    const { bytes } = this.file;
    const result = new Uint8Array(bytes.length - (this.sums[this.sums.length - 1] ?? 0));
    let from = 0;
    let to = 0;
    for (const { start, end } of [...this.cuts, { start: bytes.length, end: bytes.length }]) {
      result.set(bytes.subarray(from, start), to);
      to += start - from;
      from = end;
    }
    for (const { start, end } of this.blanks) {
      const moved = this.moved(start);
      result.fill(0, moved, moved + end - start);
    }
    const view = new DataView(result.buffer);
    for (const { at, value } of this.patches) {
      const moved = this.moved(at);
      if (moved + 4 > result.length) throw this.file.malformed('a buffer overlaps a table', at, Buffer.data.name);
      view.setInt32(moved, value(), true);
    }
    return result;
  }

  /** Where a byte of the whole file stands in the cut one. */
  private moved(position: number): number {
    let [low, high] = [0, this.cuts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.cuts[middle].start <= position) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return position;
    if (position < this.cuts[low - 1].end) {
      throw this.file.malformed('something else stands inside a buffer', position, Buffer.data.name);
    }
    return position - this.sums[low - 1];
  }

  /** The distance at `at`, counted from `base`, leads to `target`. */
  private patch(at: number, base: number, target: number): void {
    this.patches.push({ at, value: () => this.moved(target) - this.moved(base) });
  }

  private walk(table: number, schema: TableSchema, name: string): void {
    let walked = this.walked.get(schema);
    if (!walked) {
      walked = new Set();
      this.walked.set(schema, walked);
    }
    if (walked.has(table)) return;
    walked.add(table);
    this.file.spend(16, table, name);
    if (schema === Buffer && this.detach(table)) return;
    const vtable = this.file.vtable(table);
    // A vtable is found by going back.
    this.patches.push({ at: table, value: () => this.moved(table) - this.moved(vtable) });
    for (const field of Object.values(schema)) this.walkField(table, field);
    if (schema === Buffer) this.moveOutside(table);
  }

  /**
   * Leaves the data out of a Buffer table, as converters write an empty one (data of no bytes would be an error to TFLite).
   * Its vtable is often another Buffer's too, so it gets one of its own, without slots: the four bytes before the data,
   * which were the data's length, have room for that.
   */
  private detach(table: number): boolean {
    const data = this.file.vector(table, Buffer.data);
    if (!data || !this.starts.has(data.start)) return false;
    const vtable = data.start - 4;
    this.patches.push({ at: vtable, value: () => EMPTY_VTABLE });
    this.patches.push({ at: table, value: () => this.moved(table) - this.moved(vtable) });
    return true;
  }

  private walkField(table: number, field: Field): void {
    const { file } = this;
    if (field.kind === 'scalar') return;
    const at = file.at(table, field.slot, 4, field.name);
    if (at === undefined) return;
    switch (field.kind) {
      case 'text':
        file.text(table, field);
        break;
      case 'vector':
        file.vector(table, field);
        break;
      case 'table':
        this.walk(file.table(table, field)!, field.of, field.name);
        break;
      case 'union': {
        // A table that is not in the schema refers to nothing but its vtable.
        const schema = field.of.get(file.scalar(table, field.tag)) ?? SCALARS_ONLY;
        this.walk(file.table(table, field)!, schema, field.name);
        break;
      }
      case 'tables': {
        const first = file.target(at) + 4;
        file.tables(table, field).forEach((each, i) => {
          this.patch(first + 4 * i, first + 4 * i, each);
          this.walk(each, field.of, field.name);
        });
        break;
      }
    }
    this.patch(at, at, file.target(at));
  }

  /** Data behind the FlatBuffer is found by its place in the file. */
  private moveOutside(table: number): void {
    const { file } = this;
    const start = file.scalar(table, Buffer.offset);
    if (start <= 1) return;
    const offsetAt = file.at(table, Buffer.offset.slot, 8, Buffer.offset.name)!;
    const sizeAt = file.at(table, Buffer.size.slot, 8, Buffer.size.name);
    const isCut = this.starts.has(start);
    const words = (value: number) => [(value % 2 ** 32) | 0, Math.floor(value / 2 ** 32)];
    for (const half of [0, 1]) {
      this.patches.push({
        at: offsetAt + 4 * half,
        value: () => (isCut ? 0 : words(this.moved(start))[half]),
      });
      if (isCut && sizeAt !== undefined) this.patches.push({ at: sizeAt + 4 * half, value: () => 0 });
    }
  }
}

/** An options table without texts, vectors or tables. */
const SCALARS_ONLY: TableSchema = {};
