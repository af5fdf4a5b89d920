/**
 * What can be asked to be different in a network, as values and as a line of text. Whether a graph can take a change is
 * what-if-graph.ts's to say.
 */
import { EngineError } from './errors';

/** `channels`, `kernel`, `stride` and `groups` are an op's; `resolution` and `batch` are the network's inputs'. */
export const CHANGED_PROPERTIES = ['channels', 'kernel', 'stride', 'groups', 'resolution', 'batch'] as const;
export type ChangedProperty = (typeof CHANGED_PROPERTIES)[number];

/** What `resolution` and `batch` are said of, where an input is not named. */
export const INPUT = 'input';

export interface NetworkChange {
  /** Name of an op; for `resolution` and `batch`, `input` or the name of a graph input. */
  readonly target: string;
  readonly property: ChangedProperty;
  /** Output channels, groups, images; of `kernel`, `stride` and `resolution` the height and the width in pixels. */
  readonly value: number;
  /** Width of `kernel`, `stride` and `resolution` where it is not the height. */
  readonly width?: number;
}

/** One property that takes several values in turn. */
export interface Sweep {
  readonly target: string;
  readonly property: ChangedProperty;
  readonly values: readonly number[];
}

/** Larger than any layer or image: larger values are mistakes. */
export const MAXIMUM_CHANGED_VALUE = 65_536;
export const MAXIMUM_CHANGES = 100;
export const MAXIMUM_SWEPT_VALUES = 100;

const TWO_SIDED: readonly ChangedProperty[] = ['kernel', 'stride', 'resolution'];

const CHANGE_FORM = `target.property=value, for example conv1.channels=64, conv1.kernel=3x5 or ${INPUT}.resolution=192`;
const SWEEP_FORM = 'target.property=first:last:step, for example conv1.channels=32:128:8';

/**
 * Reads `conv1.channels=64`, `input.resolution=192x256`. Of an op's name with dots, the last dot is before the property.
 *
 * @throws EngineError INVALID_CHANGE
 */
export function parseChange(text: string): NetworkChange {
  const [, target, property, value, width] = /^(.+)\.([a-z]+)=(\d{1,9})(?:x(\d{1,9}))?$/.exec(text) ?? [];
  if (!target) throw malformed(text, CHANGE_FORM);
  const change = { target, property: property as ChangedProperty, value: Number(value) };
  return checked(width === undefined ? change : { ...change, width: Number(width) });
}

/**
 * Reads `conv1.channels=32:128:8`; the step is 1 if it is left out.
 *
 * @throws EngineError INVALID_CHANGE
 */
export function parseSweep(text: string): Sweep {
  const [, target, property, from, to, by = '1'] =
    /^(.+)\.([a-z]+)=(\d{1,9}):(\d{1,9})(?::(\d{1,9}))?$/.exec(text) ?? [];
  if (!target) throw malformed(text, SWEEP_FORM);
  const [first, last, step] = [from, to, by].map(Number);
  if (step < 1 || last < first)
    throw malformed(text, `${SWEEP_FORM}; the step is at least 1, the last not below the first`);
  const count = Math.floor((last - first) / step) + 1;
  if (count > MAXIMUM_SWEPT_VALUES)
    throw malformed(text, `at most ${MAXIMUM_SWEPT_VALUES} values (these are ${count})`);
  const values = Array.from({ length: count }, (_, i) => first + i * step);
  for (const value of values) checked({ target, property: property as ChangedProperty, value });
  return { target, property: property as ChangedProperty, values };
}

/** A change as parseChange reads it. */
export function formatChange({ target, property, value, width }: NetworkChange): string {
  return `${target}.${property}=${value}${width === undefined ? '' : `x${width}`}`;
}

/** The change, if its property and numbers are possible ones. @throws EngineError INVALID_CHANGE */
export function checked(change: NetworkChange): NetworkChange {
  const { property, value, width } = change;
  const where = formatChange(change);
  if (!CHANGED_PROPERTIES.includes(property)) {
    throw new EngineError(
      'INVALID_CHANGE',
      `there is no property ${property} to change`,
      where,
      `Properties: ${CHANGED_PROPERTIES.join(', ')}.`,
    );
  }
  for (const each of [value, width ?? value]) {
    if (Number.isSafeInteger(each) && each >= 1 && each <= MAXIMUM_CHANGED_VALUE) continue;
    throw new EngineError(
      'INVALID_CHANGE',
      `${property} is to be ${each}`,
      where,
      `Give a whole number from 1 to ${MAXIMUM_CHANGED_VALUE}.`,
    );
  }
  if (width !== undefined && !TWO_SIDED.includes(property)) {
    throw new EngineError(
      'INVALID_CHANGE',
      `${property} has no height and width`,
      where,
      `Give one number; ${TWO_SIDED.join(', ')} take two.`,
    );
  }
  return change;
}

function malformed(text: string, expected: string): EngineError {
  return new EngineError(
    'INVALID_CHANGE',
    `${JSON.stringify(text.slice(0, 200))} is no change`,
    'change',
    `Write ${expected}.`,
  );
}
