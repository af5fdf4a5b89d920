/**
 * What a task in a thread gives back: its value, or why the engine refused. Classes do not cross threads, so an EngineError
 * is taken apart on one side and made again on the other.
 */
import { EngineError } from './engine';

/** Fields of an EngineError. */
interface EngineRefusal extends Pick<EngineError, 'code' | 'message' | 'where' | 'remedy'> {
  readonly problems: EngineError['problems'];
  readonly problemCount: number;
}

export type Outcome<T> = { readonly value: T } | { readonly refusal: EngineRefusal };

/** Runs a task; anything but an EngineError is thrown on. */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof RangeError && error.message.includes('call stack')) {
      const message = 'The file is nested more deeply than it can be read.';
      return {
        refusal: {
          code: 'LIMIT_EXCEEDED',
          message,
          where: '',
          remedy: 'Check the file.',
          problems: [],
          problemCount: 0,
        },
      };
    }
    if (!(error instanceof EngineError)) throw error;
    const { code, message, where, remedy, problems, problemCount } = error;
    return { refusal: { code, message, where, remedy, problems, problemCount } };
  }
}

/** The value. @throws EngineError the refusal */
export function unwrap<T>(outcome: Outcome<T>): T {
  if ('value' in outcome) return outcome.value;
  const { code, message, where, remedy, problems, problemCount } = outcome.refusal;
  throw new EngineError(code, message, where, remedy, problems, problemCount);
}
