/** What a user says of a network's dynamic dimensions, and which of them were asked for. Knows no format. */
import { EngineError } from '../errors';

/** Values for dynamic dimensions by name, for example `{ batch: 1 }`. */
export type DimensionBindings = Readonly<Record<string, number>>;

export interface ReadOptions {
  /** The network's name: its file's name without the extension. */
  readonly name: string;
  readonly bindings?: DimensionBindings;
}

export class DimensionBinder {
  private readonly used = new Set<string>();

  constructor(private readonly bindings: DimensionBindings = {}) {}

  /**
   * The value of a dynamic dimension.
   *
   * @param name its own, or `input.axis` where it has none
   * @throws EngineError UNBOUND_DIMENSION
   */
  bind(name: string, input: string): number {
    if (!Object.hasOwn(this.bindings, name)) {
      throw new EngineError(
        'UNBOUND_DIMENSION',
        `dimension ${name} of input ${input} is dynamic`,
        input,
        `Bind it, for example ${name}=1.`,
      );
    }
    const bound = this.bindings[name];
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new EngineError(
        'UNBOUND_DIMENSION',
        `binding ${name}=${bound} is not a whole number of at least 1`,
        name,
        `Bind it to a whole number, for example ${name}=1.`,
      );
    }
    this.used.add(name);
    return bound;
  }

  /** @throws EngineError UNKNOWN_NAME for a binding of a dimension that does not exist or is static */
  refuseUnused(): void {
    const unused = Object.keys(this.bindings).find((name) => !this.used.has(name));
    if (unused === undefined) return;
    throw new EngineError(
      'UNKNOWN_NAME',
      `binding ${unused} names no dynamic dimension of the network`,
      unused,
      `Dynamic dimensions: ${[...this.used].join(', ') || 'none'}.`,
    );
  }
}
