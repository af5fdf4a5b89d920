/**
 * Budget checks: recording a run of `fusecast check`, finding the one that another is compared with, and trends.
 * What a verdict is, the command decides; here it is kept.
 */
import { createHash } from 'node:crypto';
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type EntityManager, In, IsNull, Not } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import {
  BudgetCheck,
  BudgetCheckConnection,
  BudgetCheckResult,
  BudgetTrend,
  RecordBudgetCheckPayload,
} from '../schema/budget-check';
import { BudgetCheckFilter, BudgetTrendInput, RecordBudgetCheckInput } from '../schema/budget-check-input';
import { type Connection, PageArguments } from '../schema/connection';
import { Network } from '../schema/network';
import { newId } from '../schema/node';
import { Prediction } from '../schema/prediction';
import { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize, type TeamSession } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { given, readPage } from './pages';
import { scenarioIdNamed } from './predictor-version';

/** The rows of the results, each with what its prediction says. @throws NOT_FOUND, BAD_INPUT */
async function resultRows(
  manager: EntityManager,
  { teamId }: TeamSession,
  { results, repository, branch }: RecordBudgetCheckInput,
): Promise<Omit<BudgetCheckResult, 'budgetCheckId' | 'globalId' | 'createdAt' | 'interval'>[]> {
  const ids = results.map(({ predictionId }, i) => rowId(Prediction, predictionId, `input.results[${i}].predictionId`));
  const found = await manager.find(Prediction, {
    where: { id: In(ids) },
    // Not the kernels: they are most of a row.
    select: {
      id: true,
      networkId: true,
      scenarioId: true,
      predictorVersionId: true,
      latencyUs: true,
      lowerUs: true,
      upperUs: true,
      level: true,
    },
  });
  const predictions = new Map(found.map((row) => [row.id, row]));
  const networks = await manager.findBy(Network, { id: In(found.map(({ networkId }) => networkId)) });
  const names = new Map(networks.map(({ id, name }) => [id, name]));
  const pairs = new Set<string>();
  return results.map(({ predictionId, kernelChanges, ...judged }, i) => {
    const prediction = predictions.get(ids[i]);
    if (!prediction) throw notFound('Prediction', predictionId);
    const { networkId, scenarioId, predictorVersionId, latencyUs, lowerUs, upperUs, level } = prediction;
    const pair = `${networkId} ${scenarioId}`;
    if (pairs.has(pair)) {
      const message = 'The same network has two results in the same scenario.';
      throw new CodedError('BAD_INPUT', message, `input.results[${i}]`, 'Send one of them.');
    }
    pairs.add(pair);
    return {
      id: newId(),
      teamId,
      networkId,
      scenarioId,
      predictorVersionId,
      repository,
      branch,
      networkName: names.get(networkId)!,
      latencyUs,
      lowerUs,
      upperUs,
      level,
      ...judged,
      kernelChanges: [...kernelChanges],
    };
  });
}

/** Digest of what a check found, whatever the ids of its predictions: a run that is repeated finds the same. */
function contentOf(verdict: string, results: Awaited<ReturnType<typeof resultRows>>): string {
  const found = results
    .map(({ networkId, predictorVersionId, latencyUs, verdict: each, budgetUs, budgetPercent }) =>
      JSON.stringify([networkId, predictorVersionId, latencyUs, each, budgetUs, budgetPercent]),
    )
    .sort();
  return createHash('sha256')
    .update(JSON.stringify([verdict, found]))
    .digest('hex');
}

@Resolver(() => BudgetCheck)
export class BudgetCheckResolver {
  @Query(() => BudgetCheck)
  async budgetCheck(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<BudgetCheck> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const where = { id: rowId(BudgetCheck, id, 'id') };
    const check = await context.tenancy.inTeam(session, (manager) => manager.findOneBy(BudgetCheck, where));
    if (!check) throw notFound('BudgetCheck', id);
    return check;
  }

  @Query(() => BudgetCheckConnection)
  async budgetChecks(
    @Args() page: PageArguments,
    @Arg('filter', () => BudgetCheckFilter, { defaultValue: {} }) filter: BudgetCheckFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<BudgetCheck>> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const { pullRequest, ...where } = given(filter);
    const baseBranch = pullRequest ? Not(IsNull()) : IsNull();
    return context.tenancy.inTeam(session, (manager) =>
      readPage(manager, BudgetCheck, page, { ...where, ...(pullRequest !== undefined && { baseBranch }) }),
    );
  }

  @Query(() => BudgetTrend, {
    description: 'How the latency of one network in one scenario went, from check to check.',
  })
  async budgetTrend(@Arg('input') input: BudgetTrendInput, @Ctx() context: RequestContext): Promise<BudgetTrend> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const { repository, network, scenario, branch, last } = input;
    return context.tenancy.inTeam(session, async (manager) => {
      const scenarioId = await scenarioIdNamed(manager, scenario, 'input.scenario');
      const points = await manager.find(BudgetCheckResult, {
        where: { repository, networkName: network, scenarioId, ...(branch && { branch }) },
        order: { id: 'DESC' },
        take: last,
      });
      return { points: points.reverse() };
    });
  }

  @Mutation(() => RecordBudgetCheckPayload, {
    description:
      'Keeps a run of `fusecast check`. A run that was recorded already is answered as it is; CONFLICT if it found something else then.',
  })
  async recordBudgetCheck(
    @Arg('input') input: RecordBudgetCheckInput,
    @Ctx() context: RequestContext,
  ): Promise<RecordBudgetCheckPayload> {
    const session = authorize(context.session, 'PREDICTION_WRITE');
    const { repository, configuration, branch, baseBranch, commit, run, url, verdict } = input;
    const { teamId } = session;
    return context.tenancy.inTeam(session, async (manager) => {
      const baseId = input.baseId ? rowId(BudgetCheck, input.baseId, 'input.baseId') : undefined;
      if (baseId && !(await manager.existsBy(BudgetCheck, { id: baseId })))
        throw notFound('BudgetCheck', input.baseId!);
      const results = await resultRows(manager, session, input);
      const ids = new Set(results.map(({ scenarioId }) => scenarioId));
      const scenarios = (await manager.findBy(Scenario, { id: In([...ids]) })).map(({ name }) => name).sort();
      const contentSha256 = contentOf(verdict, results);
      const key = { repository, configuration, commit, run };
      const id = newId();
      const row = { id, teamId, ...key, branch, baseBranch, url, baseId, verdict, scenarios, contentSha256 };
      await manager.createQueryBuilder().insert().into(BudgetCheck).values(row).orIgnore().execute();
      const check = await manager.findOneBy(BudgetCheck, key);
      if (check?.contentSha256 !== contentSha256) {
        const message = `The run ${run} of commit ${commit} was recorded with other results.`;
        throw new CodedError('CONFLICT', message, 'input.run', 'Give this run another name.');
      }
      if (check.id !== id) return { check };
      await manager.insert(
        BudgetCheckResult,
        results.map((result) => ({ ...result, budgetCheckId: id })),
      );
      const details = { repository, branch, commit, verdict, results: results.length };
      await recordChange(manager, session, 'recordBudgetCheck', { type: 'BudgetCheck', id }, details);
      return { check };
    });
  }

  @FieldResolver(() => BudgetCheck, { nullable: true, description: 'The check that it was compared with.' })
  async base(@Root() check: BudgetCheck, @Ctx() context: RequestContext): Promise<BudgetCheck | undefined> {
    const session = authorize(context.session, 'PREDICTION_READ');
    if (!check.baseId) return undefined;
    // An API key of some scenarios may see this check and not its base.
    const where = { id: check.baseId };
    return (await context.tenancy.inTeam(session, (manager) => manager.findOneBy(BudgetCheck, where))) ?? undefined;
  }

  @FieldResolver(() => [BudgetCheckResult], {
    description: 'By network and scenario, as they were recorded.',
    complexity: 10,
  })
  async results(@Root() check: BudgetCheck, @Ctx() context: RequestContext): Promise<BudgetCheckResult[]> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const query = { where: { budgetCheckId: check.id }, order: { id: 'ASC' } } as const;
    return context.tenancy.inTeam(session, (manager) => manager.find(BudgetCheckResult, query));
  }
}

@Resolver(() => BudgetCheckResult)
export class BudgetCheckResultResolver {
  @FieldResolver(() => BudgetCheck)
  async check(@Root() result: BudgetCheckResult, @Ctx() context: RequestContext): Promise<BudgetCheck> {
    const session = authorize(context.session, 'PREDICTION_READ');
    return loadById(context, session, BudgetCheck, result.budgetCheckId);
  }

  @FieldResolver(() => Network)
  async network(@Root() result: BudgetCheckResult, @Ctx() context: RequestContext): Promise<Network> {
    const session = authorize(context.session, 'NETWORK_READ');
    return loadById(context, session, Network, result.networkId);
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() result: BudgetCheckResult, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, result.scenarioId);
  }

  @FieldResolver(() => PredictorVersion, { description: 'The version that predicted it.' })
  async version(@Root() result: BudgetCheckResult, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, result.predictorVersionId);
  }
}
