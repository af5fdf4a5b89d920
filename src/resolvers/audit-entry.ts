/** The audit log. */
import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql';
import { CodedError } from '../errors';
import { AuditEntry, AuditEntryConnection, AuditEntryFilter } from '../schema/audit-entry';
import { type Connection, PageArguments } from '../schema/connection';
import { parseGlobalId } from '../schema/node';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { given, readPage } from './pages';

@Resolver(() => AuditEntry)
export class AuditEntryResolver {
  @Query(() => AuditEntryConnection, { description: 'Every change in the team, for its admins.' })
  async auditEntries(
    @Args() page: PageArguments,
    @Arg('filter', () => AuditEntryFilter, { defaultValue: {} }) filter: AuditEntryFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<AuditEntry>> {
    const session = authorize(context.session, 'AUDIT_READ');
    const { action, subjectId } = given(filter);
    const subject = subjectId === undefined ? undefined : parseGlobalId(subjectId);
    if (subjectId !== undefined && !subject) {
      throw new CodedError('BAD_INPUT', 'filter.subjectId is no id of ours.', 'filter.subjectId', 'Give an id.');
    }
    const where = {
      ...(action !== undefined && { action }),
      ...(subject && { subjectType: subject.type, subjectId: subject.id }),
    };
    return context.tenancy.inTeam(session, (manager) => readPage(manager, AuditEntry, page, where));
  }
}
