/**
 * Numbers among the options of commands.
 */
import { InvalidArgumentError } from 'commander';

const MAXIMUM_SEARCHED_SETTINGS = 32;

/** Reads the number of a --search option. @throws InvalidArgumentError */
export function searchedSettings(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= MAXIMUM_SEARCHED_SETTINGS) return count;
  throw new InvalidArgumentError(`Expected a whole number from 0 to ${MAXIMUM_SEARCHED_SETTINGS}.`);
}
