/** SQL, paths, control characters and long texts in every argument of every root field that takes a text. */
import { buildSchema } from 'graphql';
import { printedSchema } from '../../src/main';
import { HOSTILE_TEXTS } from '../testkit/hostile-documents';
import { HostileService } from '../testkit/hostile-service';
import { rootFields } from '../testkit/root-fields';

/** Each argument gets every other text, and the argument after it the rest. */
const SHARE = 2;
/** A password is hashed whatever it is, which takes its time. */
const SHARE_OF_PASSWORDS = 12;

describe('hostile arguments', () => {
  let service: HostileService;
  beforeAll(async () => {
    service = await HostileService.start();
  }, 60_000);
  afterAll(() => service?.stop());

  test('are answered, and what was answered with success is there, and nothing else', async () => {
    const before = await service.rowCounts();
    const fields = rootFields(buildSchema(await printedSchema())).filter(
      ({ operation }) => operation !== 'subscription',
    );
    const requests = fields
      .flatMap(({ name, query, leaves }) => leaves.map((leaf) => ({ name, query, leaf })))
      .flatMap(({ name, query, leaf }, at) => {
        const share = /password/i.test(leaf.path) ? SHARE_OF_PASSWORDS : SHARE;
        return HOSTILE_TEXTS.filter((_, i) => (i + at) % share === 0).map((value) => ({
          name,
          what: `${name} ${leaf.path} ${JSON.stringify(value.slice(0, 40))}`,
          body: JSON.stringify({ query, variables: leaf.with(value) }),
        }));
      });
    const texts = await service.expectAnswers(service.cast.owner, requests);
    const succeeded = texts.flatMap((text, i) => (JSON.parse(text).data?.[requests[i].name] ? [requests[i].name] : []));
    const count = (name: string) => succeeded.filter((each) => each === name).length;
    const after = await service.rowCounts();
    // What a team may be called is no business of ours.
    const made: Record<string, number> = {
      team: count('createTeam'),
      member: count('createTeam'),
      api_key: count('createApiKey'),
      upload: count('requestUpload'),
      invitation: count('createInvitation'),
    };
    for (const [table, rows] of Object.entries(after)) {
      if (['audit_entry', 'team_usage', 'email_request', 'second_factor'].includes(table)) continue;
      expect({ table, rows }).toEqual({ table, rows: before[table] + (made[table] ?? 0) });
    }
  }, 120_000);

  // With those of hostile-documents.test.ts these are more than 2,000.
  test('leave it unharmed', () => service.expectUnharmed(1000));
});
