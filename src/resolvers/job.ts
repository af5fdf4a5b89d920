/** Jobs that failed for the last time. */
import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql';
import { type Connection, PageArguments } from '../schema/connection';
import { FailedJob, FailedJobConnection, FailedJobFilter } from '../schema/job';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { given, readPage } from './pages';

@Resolver(() => FailedJob)
export class FailedJobResolver {
  @Query(() => FailedJobConnection, { description: 'Jobs of the team that nobody will try again, and why.' })
  async failedJobs(
    @Args() page: PageArguments,
    @Arg('filter', () => FailedJobFilter, { defaultValue: {} }) filter: FailedJobFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<FailedJob>> {
    const session = authorize(context.session, 'JOB_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, FailedJob, page, given(filter)));
  }
}
