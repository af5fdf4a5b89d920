/** What the command line asks of a comparison, and the answer. It knows no command and no text for people. */
import type { Comparison, VersionDifferences } from '../engine';
import type { Client } from './client';
import { readAll } from './version-client';

interface ComparedVersion {
  readonly id: string;
  readonly number: number;
  readonly predictor: { readonly name: string };
}

export type ComparisonSide = Comparison['scenarios'][number]['a'];

/** A comparison as the service answers it: the engine's, and what it is of. */
export interface VersionsComparison extends Comparison {
  readonly versionA: ComparedVersion;
  readonly versionB: ComparedVersion;
  readonly evaluationSet: { readonly id: string; readonly name: string; readonly sha256: string };
  readonly leftOut: readonly string[];
  readonly versionDifferences: VersionDifferences;
}

const DIFFERENCE = 'difference { mean lower upper level networks resamples margin verdict }';
const QUALITY = 'error { mape medianApe within10 } kendallTau coverage calibration { level covered relativeWidth }';
const NETWORK = 'network scenario measuredUs aUs bUs aError bError change';
const VERSION = 'id number predictor { name }';

export const COMPARE_VERSIONS = `query ($input: CompareVersionsInput!) { compareVersions(input: $input) {
  versionA { ${VERSION} } versionB { ${VERSION} } evaluationSet { id name sha256 } leftOut ${DIFFERENCE}
  scenarios { scenario networks a { ${QUALITY} } b { ${QUALITY} } ${DIFFERENCE}
    flips { pairs byA byB gravest { faster slower measuredGap flippedByA flippedByB } }
    kinds { kind networks measuredShare a { mape share } b { mape share } } }
  networks { ${NETWORK} } worstMovers { ${NETWORK} } bestMovers { ${NETWORK} }
  versionDifferences { datasets { onlyInA onlyInB } networks { onlyInA onlyInB } settings { name a b } } } }`;

/** Networks over scenarios as the service answers it. */
export interface ScenariosAnswer {
  readonly columns: readonly {
    readonly scenario: string;
    readonly version: ComparedVersion;
    readonly latencies: readonly {
      readonly network: string;
      readonly latencyUs: number;
      readonly lowerUs: number;
      readonly upperUs: number;
      readonly coverage: number;
      readonly rank: number;
    }[];
  }[];
  readonly agreements: readonly {
    readonly first: number;
    readonly second: number;
    readonly kendallTau: number | null;
  }[];
}

export const COMPARE_SCENARIOS = `query ($input: CompareScenariosInput!) { compareScenarios(input: $input) {
  columns { scenario version { ${VERSION} } latencies { network latencyUs lowerUs upperUs coverage rank } }
  agreements { first second kendallTau } } }`;

/** Id of the READY set of this name; what is no name is taken for an id. @throws ServiceError */
export async function findEvaluationSet(client: Client, nameOrId: string): Promise<string> {
  const [set] = await readAll<{ id: string }>(client, 'evaluationSets', { name: nameOrId, status: 'READY' }, 'id');
  return set?.id ?? nameOrId;
}

/** `name@number`, as commands take it. */
export function nameOf({ number, predictor }: ComparedVersion): string {
  return `${predictor.name}@${number}`;
}
