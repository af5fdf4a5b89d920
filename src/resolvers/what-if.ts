/** What-if: nothing is written, and nothing of the answer is kept. */
import { Arg, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import type { EntityManager } from 'typeorm';
import type { NetworkChange, WhatIfQuestion } from '../engine';
import { CodedError } from '../errors';
import { PredictorVersion } from '../schema/predictor-version';
import { type NetworkChangeInput, WhatIf, WhatIfInput } from '../schema/what-if';
import { authorize } from '../tenancy';
import { loadById, type RequestContext } from './context';
import { readyNetworks } from './ready-networks';
import { readyVersion, versionForScenario } from './version-choice';

/** A sweep that takes longer is ended between two of its values. */
const MAXIMUM_MS = 10_000;

function toQuestion({ changes, sweep }: WhatIfInput): WhatIfQuestion {
  const propertyOf = (change: Pick<NetworkChangeInput, 'property'>) =>
    change.property.toLowerCase() as NetworkChange['property'];
  return {
    changes: changes.map(({ width, ...change }) => ({
      ...change,
      property: propertyOf(change),
      ...(width != null && { width }),
    })),
    ...(sweep && { sweep: { ...sweep, property: propertyOf(sweep) } }),
  };
}

/** The version that is asked for. @throws NOT_FOUND, CONFLICT, BAD_INPUT unless either is given */
async function chosenVersion(
  manager: EntityManager,
  { scenario, versionId }: Pick<WhatIfInput, 'scenario' | 'versionId'>,
): Promise<PredictorVersion> {
  if (scenario && !versionId) return versionForScenario(manager, scenario, 'input.scenario');
  if (versionId && !scenario) return readyVersion(manager, versionId, 'input.versionId');
  const given = scenario ? 'Both a scenario and a version are' : 'Neither a scenario nor a version is';
  throw new CodedError('BAD_INPUT', `${given} given.`, 'input', 'Give one of `scenario` and `versionId`.');
}

@Resolver(() => WhatIf)
export class WhatIfResolver {
  @Query(() => WhatIf, {
    description:
      'The latency of a network in which something is another, and the kernels that change, with the reasons.',
    complexity: 10,
  })
  async whatIf(@Arg('input') input: WhatIfInput, @Ctx() context: RequestContext): Promise<WhatIf> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const { tenancy, serving } = context;
    const { network, version } = await tenancy.inTeam(session, async (manager) => {
      const [network] = await readyNetworks(manager, [input.networkId], () => 'input.networkId');
      return { network, version: await chosenVersion(manager, input) };
    });
    const graph = await serving.graph(network);
    const deadline = Date.now() + MAXIMUM_MS;
    const answer = await serving.whatIf(version, graph, toQuestion(input), async () => {
      if (Date.now() > deadline) {
        const remedy = 'Ask for fewer values at a time.';
        throw new CodedError('LIMIT_EXCEEDED', `This takes more than ${MAXIMUM_MS} ms.`, 'input.sweep', remedy);
      }
      // Others have a turn.
      await new Promise((resolve) => setImmediate(resolve));
    });
    const points = answer.points.map((point) => ({
      ...point,
      differences: point.differences.map((each) => ({
        ...each,
        property: each.property.toUpperCase() as NetworkChangeInput['property'],
      })),
    }));
    return { ...answer, points, predictorVersionId: version.id };
  }

  @FieldResolver(() => PredictorVersion, { description: 'The version that predicted.' })
  async version(@Root() { predictorVersionId }: WhatIf, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, predictorVersionId);
  }
}
