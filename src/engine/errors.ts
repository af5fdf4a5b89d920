/**
 * Coded errors of the engine. Every way in which the engine can refuse is in the closed list below;
 * each error says what is wrong, where (tensor, op, line and column, path) and what to do about it.
 */

export const ENGINE_ERROR_CODES = [
  /** The bytes are not a well-formed file of their format. */
  'MALFORMED_FILE',
  /** The file is of a format (or a version of one) that is not read here. */
  'UNSUPPORTED_FORMAT',
  /** The network has an op that no rule covers. */
  'UNSUPPORTED_OP',
  /** A dynamic dimension has no binding. */
  'UNBOUND_DIMENSION',
  /** Shapes contradict each other, or cannot be known. */
  'INVALID_SHAPE',
  /** A profile row or column is not what its format says. */
  'INVALID_PROFILE',
  /** A rule file is not what its schema says. */
  'INVALID_RULES',
  /** A runtime, scenario, network or learner that was named does not exist. */
  'UNKNOWN_NAME',
  /** There is too little, or too one-sided, data to train on. */
  'INSUFFICIENT_DATA',
  /** An exported predictor does not compute what was trained. */
  'EXPORT_MISMATCH',
  /** A predictor file that is not one of ours, or of another engine version. */
  'INVALID_PREDICTOR',
  /** A change of a network that cannot be made: the op or property is not there, or something is tied to it. */
  'INVALID_CHANGE',
  /** Reading the file takes more time or memory than is allowed. */
  'LIMIT_EXCEEDED',
  /** The caller cancelled. */
  'CANCELLED',
] as const;

export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

/** One of the things that are wrong in a table or a list of events. */
export interface Problem {
  /** 1-based position in the unit of the file: a line of text, a row of a table, an event of a trace. Null for the header of a table without lines. */
  readonly line: number | null;
  readonly unit: 'line' | 'row' | 'event';
  readonly column: string | null;
  /** What stands there, shortened; null if nothing does. */
  readonly value: string | null;
  /** What was expected instead. */
  readonly expected: string;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';

  /**
   * @param code one of the closed list
   * @param message what is wrong, naming the parameter and its value
   * @param where op, tensor, `line 12, column latencyUs`, ... ; part of what the user sees
   * @param remedy what the user can do about it
   * @param problems the first of many things that are wrong, where a file is refused as a whole
   * @param problemCount how many there are in all
   */
  constructor(
    readonly code: EngineErrorCode,
    message: string,
    readonly where?: string,
    readonly remedy?: string,
    readonly problems: readonly Problem[] = [],
    readonly problemCount: number = problems.length,
  ) {
    super(message);
  }
}

/** Throws CANCELLED if the signal has been raised: called between the steps of anything long. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new EngineError('CANCELLED', 'The work was cancelled.');
}
