/**
 * The plan of a runtime that fuses nothing: one kernel an op. Ops that only rename a tensor launch nothing anywhere.
 * It also serves the scenarios of runtimes that have no rule pack of their own yet.
 */
import type { RulePack, VanishingRule } from './rule-pack';

const ORIGIN = 'no runtime copies data for it';

/** Ops that give existing bytes another name or shape. */
export const RENAMING: readonly VanishingRule[] = [
  'Identity',
  'Dropout',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
].map((type) => ({ type, reason: `${type} only renames its input`, origin: ORIGIN }));

export const PLAIN: RulePack = {
  runtime: 'plain',
  version: '1',
  vanishing: RENAMING,
  prologues: [],
  expansions: [],
  fusions: [],
};
