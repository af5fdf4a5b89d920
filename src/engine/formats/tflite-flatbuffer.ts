/**
 * FlatBuffers, read with nothing taken on trust: every offset and length is checked against the file before it is followed
 * or anything is allocated for it. Knows the wire format only; which tables there are is in tflite-schema.ts.
 *
 * A table is named by its position in the file. At it stands the distance back to the table's vtable, which says where in
 * the table each slot's value stands; texts, vectors and other tables stand elsewhere, at a distance forward.
 */
import { ByteBuffer } from 'flatbuffers';
import { EngineError } from '../errors';

/** Bytes of each kind of scalar. */
export const SCALAR_BYTES = {
  int8: 1,
  uint8: 1,
  bool: 1,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  uint64: 8,
} as const;

export type ScalarKind = keyof typeof SCALAR_BYTES;

interface Slot {
  /** `Table.field`, for messages. */
  readonly name: string;
  readonly slot: number;
}

export interface ScalarField extends Slot {
  readonly kind: 'scalar';
  readonly element: ScalarKind;
  /** The value of a table that leaves the field out. */
  readonly otherwise: number;
}

export interface TextField extends Slot {
  readonly kind: 'text';
}

export interface VectorField extends Slot {
  readonly kind: 'vector';
  readonly element: ScalarKind;
}

export interface TableField extends Slot {
  readonly kind: 'table';
  readonly of: TableSchema;
}

export interface TablesField extends Slot {
  readonly kind: 'tables';
  readonly of: TableSchema;
}

/** One of several tables; `tag` says which. */
export interface UnionField extends Slot {
  readonly kind: 'union';
  readonly tag: ScalarField;
  readonly of: ReadonlyMap<number, TableSchema>;
}

export type Field = ScalarField | TextField | VectorField | TableField | TablesField | UnionField;

export type TableSchema = Readonly<Record<string, Field>>;

/** Where a vector's elements stand. */
export interface Extent {
  readonly start: number;
  /** In elements. */
  readonly length: number;
}

const REFERENCE_BYTES = 4;

/** Bytes that may be read on top of the file's size: parts that a file uses twice, such as a constant of two tensors. */
const SHARED_BYTES = 1 << 20;

const utf8 = new TextDecoder();

export class FlatBuffer {
  private readonly buffer: ByteBuffer;
  /** Vectors may overlap, so that a small file could ask for endless work; an honest one is read about once. */
  private allowance: number;

  constructor(readonly bytes: Uint8Array) {
    this.buffer = new ByteBuffer(bytes);
    this.allowance = 2 * bytes.length + SHARED_BYTES;
  }

  /** The outermost table. */
  root(): number {
    return this.follow(0, 'the root table');
  }

  scalar(table: number, field: ScalarField): number {
    const at = this.at(table, field.slot, SCALAR_BYTES[field.element], field.name);
    return at === undefined ? field.otherwise : this.element(at, field.element);
  }

  /** Empty if the table leaves it out. */
  text(table: number, field: TextField): string {
    const extent = this.extent(table, field, 1);
    return extent ? utf8.decode(this.bytes.subarray(extent.start, extent.start + extent.length)) : '';
  }

  /** Where a vector stands, checked to be inside the file; undefined if the table leaves it out. */
  vector(table: number, field: VectorField): Extent | undefined {
    return this.extent(table, field, SCALAR_BYTES[field.element]);
  }

  numbers(table: number, field: VectorField): number[] | undefined {
    const extent = this.vector(table, field);
    if (!extent) return undefined;
    const bytes = SCALAR_BYTES[field.element];
    this.spend(extent.length * bytes, extent.start, field.name);
    const numbers = new Array<number>(extent.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = this.element(extent.start + i * bytes, field.element);
    return numbers;
  }

  /** Position of a table; undefined if it is left out. */
  table(table: number, field: TableField | UnionField): number | undefined {
    const at = this.at(table, field.slot, REFERENCE_BYTES, field.name);
    return at === undefined ? undefined : this.follow(at, field.name);
  }

  /** Positions of the tables of a vector; none if it is left out. */
  tables(table: number, field: TablesField): number[] {
    const extent = this.extent(table, field, REFERENCE_BYTES);
    if (!extent) return [];
    this.spend(extent.length * REFERENCE_BYTES, extent.start, field.name);
    const tables = new Array<number>(extent.length);
    for (let i = 0; i < tables.length; i++) tables[i] = this.follow(extent.start + i * REFERENCE_BYTES, field.name);
    return tables;
  }

  /** Position of a slot's value in a table; undefined if the table leaves it out. */
  at(table: number, slot: number, bytes: number, name: string): number | undefined {
    const vtable = this.vtable(table);
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.buffer.readUint16(vtable)) return undefined;
    const offset = this.buffer.readUint16(vtable + entry);
    if (offset === 0) return undefined;
    if (offset < 4 || offset + bytes > this.buffer.readUint16(vtable + 2)) {
      throw this.malformed(`slot ${slot} stands at offset ${offset}, outside its table`, table, name);
    }
    return table + offset;
  }

  /** Position of a table's vtable. */
  vtable(table: number): number {
    return table - this.buffer.readInt32(table);
  }

  /** Where the distance that stands at a position leads to. */
  target(at: number): number {
    return at + this.buffer.readUint32(at);
  }

  /** Charges work that grows with the file's claims. @throws EngineError MALFORMED_FILE if it is out of proportion */
  spend(bytes: number, position: number, name: string): void {
    this.allowance -= bytes;
    if (this.allowance < 0) {
      throw this.malformed('the parts of the file overlap: together they are larger than the file', position, name);
    }
  }

  malformed(message: string, position: number, name: string): EngineError {
    return new EngineError(
      'MALFORMED_FILE',
      `not a sound TFLite file: ${message}`,
      `byte ${position} (${name})`,
      'Check that the file is complete, or convert the network again.',
    );
  }

  private element(at: number, kind: ScalarKind): number {
    const { buffer } = this;
    switch (kind) {
      case 'int8':
        return buffer.readInt8(at);
      case 'uint8':
      case 'bool':
        return buffer.readUint8(at);
      case 'int32':
        return buffer.readInt32(at);
      case 'uint32':
        return buffer.readUint32(at);
      case 'float32':
        return buffer.readFloat32(at);
      case 'int64':
        return Number(buffer.readInt64(at));
      case 'uint64':
        return Number(buffer.readUint64(at));
    }
  }

  private extent(table: number, field: TextField | VectorField | TablesField, bytes: number): Extent | undefined {
    const at = this.at(table, field.slot, REFERENCE_BYTES, field.name);
    if (at === undefined) return undefined;
    const position = this.target(at);
    if (position + REFERENCE_BYTES > this.bytes.length) throw this.beyond('a vector', position, field.name);
    const length = this.buffer.readUint32(position);
    const start = position + REFERENCE_BYTES;
    if (length * bytes > this.bytes.length - start) {
      throw this.beyond(`a vector of ${length} elements of ${bytes} bytes`, position, field.name);
    }
    if (field.kind === 'text') this.spend(length, position, field.name);
    return { start, length };
  }

  /** Follows a distance to a table and checks that the table and its vtable are inside the file. */
  private follow(at: number, name: string): number {
    const size = this.bytes.length;
    if (at + REFERENCE_BYTES > size) throw this.beyond('a reference', at, name);
    const table = this.target(at);
    if (table + 4 > size) throw this.beyond('a table', table, name);
    const vtable = this.vtable(table);
    if (vtable < 0 || vtable + 4 > size) throw this.beyond(`the vtable of the table at byte ${table}`, vtable, name);
    const [entries, extent] = [this.buffer.readUint16(vtable), this.buffer.readUint16(vtable + 2)];
    if (entries < 4 || vtable + entries > size) throw this.beyond(`a vtable of ${entries} bytes`, vtable, name);
    if (extent < 4 || table + extent > size) throw this.beyond(`a table of ${extent} bytes`, table, name);
    return table;
  }

  private beyond(what: string, position: number, name: string): EngineError {
    return this.malformed(`${what} does not fit the file's ${this.bytes.length} bytes`, position, name);
  }
}
