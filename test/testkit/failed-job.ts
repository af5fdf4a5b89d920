/** A dead letter of a team. Put into the database, because a job that fails to the last takes minutes. */
import { newId, parseGlobalId, toGlobalId } from '../../src/schema/node';
import { type TestTeam, withDatabase } from './service';

/** Its global id. @param versionId of the version that it was to train */
export async function addFailedJob(team: TestTeam, versionId: string): Promise<string> {
  const id = newId();
  const failure = { code: 'UNAVAILABLE', message: 'A server does not answer.', problems: [], problemCount: 0 };
  await withDatabase(team.person.service.database.superuserUrl, (client) =>
    client.query(
      `INSERT INTO failed_job (id, team_id, job_id, name, subject_type, subject_id, attempts, failure)
       VALUES ($1, $2, $3, 'trainPredictor', 'PredictorVersion', $4, 5, $5)`,
      [id, team.rowId, newId(), parseGlobalId(versionId)!.id, JSON.stringify(failure)],
    ),
  );
  return toGlobalId('FailedJob', id);
}
