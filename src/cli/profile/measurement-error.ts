/** Why measuring here was refused. Knows nothing of how it is measured. */

const INPUT = 2;
const INCONCLUSIVE = 3;

/** The command's exit code for each. */
const EXIT_CODES = {
  /** This system cannot hold a process to certain cores, or not to those. */
  AFFINITY_UNAVAILABLE: INPUT,
  /** Other processes had too large a part in what was measured. */
  NOISY_MACHINE: INCONCLUSIVE,
} as const;

export class MeasurementError extends Error {
  override readonly name = 'MeasurementError';

  constructor(
    readonly code: keyof typeof EXIT_CODES,
    message: string,
    readonly where: string,
    readonly remedy: string,
  ) {
    super(message);
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}
