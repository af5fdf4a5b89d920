/**
 * The sources of truth that a training has: measured kernels, measured networks, and, where those are few, networks that were
 * measured in other scenarios. Each is cross-validated against the measured networks and counts as far as it explains them.
 */
import type { SourceName } from './cross-validation';
import { EngineError } from './errors';
import { isMeasured, type TrainingRows } from './training-rows';

/** Networks below which neither an error nor an interval can be stated. */
const FEWEST_NETWORKS = 5;

/**
 * The sources with networks enough, kernel rows first.
 *
 * @throws EngineError INSUFFICIENT_DATA if there is none
 */
export function sourcesOf({ kernels, networks, siblings, dropped }: TrainingRows): SourceName[] {
  const withKernels = new Set(kernels.map(({ network }) => network)).size;
  const measured = networks.filter(isMeasured).length;
  const sources: SourceName[] = [];
  if (withKernels >= FEWEST_NETWORKS) sources.push('kernel rows');
  if (measured >= FEWEST_NETWORKS) sources.push('end-to-end rows');
  if (measured >= FEWEST_NETWORKS && siblings.length > 0) sources.push('other scenarios');
  if (sources.length > 0) return sources;
  throw new EngineError(
    'INSUFFICIENT_DATA',
    `there are usable kernel rows of ${withKernels} networks and end-to-end rows of ${measured} networks with a graph; ${FEWEST_NETWORKS} of either are needed`,
    undefined,
    [...dropped, 'Upload the graphs of the measured networks, or measure more of them.'].join(' '),
  );
}
