/** A run of the command's check that a service keeps. */
import type { ApiClient } from './client';

/** The global id of a check with one result. @param predictionId of that result */
export async function recordCheck(client: ApiClient, predictionId: string): Promise<string> {
  const { recordBudgetCheck } = await client.query(
    'mutation ($input: RecordBudgetCheckInput!) { recordBudgetCheck(input: $input) { check { id } } }',
    {
      input: {
        repository: 'team/models',
        branch: 'main',
        commit: '0123456789abcdef0123456789abcdef01234567',
        run: '1',
        verdict: 'PASS',
        results: [{ predictionId, budgetUs: 1e9, verdict: 'PASS' }],
      },
    },
  );
  return recordBudgetCheck.check.id;
}
