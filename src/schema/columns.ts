/** How PostgreSQL's types become JavaScript's, where pg does not do it. */
import type { ValueTransformer } from 'typeorm';

/** Sizes in bytes stay far below 2^53, so a number holds them; pg gives text. */
export const bigintAsNumber: ValueTransformer = {
  to: (value?: number | null) => value,
  from: (value?: string | null) => (value === null || value === undefined ? value : Number(value)),
};
