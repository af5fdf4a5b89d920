/** What a team gets of its own measurements: a calibration, reported latencies, and the alert of a drift. */
import { type ApiClient, type Data, until } from './client';

const CALIBRATE =
  'mutation ($input: CreateCalibrationInput!) { createCalibration(input: $input) { calibration { id } } }';
const REPORT = 'mutation ($input: ReportLatenciesInput!) { reportLatencies(input: $input) { isRepeated } }';
const FOUND = '{ measuredLatencies { edges { node { id } } } driftAlerts { edges { node { id } } } }';

/** So much slower than predicted that nobody doubts it. */
const SLOWER = 30;

/**
 * Calibrates the version and reports latencies that it does not expect, until the alert is there.
 * @param networks eight or more: fewer that are outside their intervals could be chance
 * @returns an id of each type
 */
export async function measureProduction(
  client: ApiClient,
  version: { scenario: string; versionId: string },
  networks: readonly { id: string; latencyUs: number }[],
): Promise<{ Calibration: string; MeasuredLatency: string; DriftAlert: string }> {
  const measured = networks.map(({ id, latencyUs }) => ({ networkId: id, latencyUs: SLOWER * latencyUs }));
  const input = { versionId: version.versionId, name: 'own', measurements: measured.slice(0, 3) };
  const { calibration } = (await client.query(CALIBRATE, { input })).createCalibration;
  const measurements = measured.map((row) => ({ ...row, scenario: version.scenario, measuredAt: new Date() }));
  await client.query(REPORT, { input: { clientKey: 'production', measurements } });
  const found: Data = await until(
    () => client.query(FOUND),
    ({ driftAlerts }: Data) => driftAlerts.edges.length > 0,
  );
  return {
    Calibration: calibration.id,
    MeasuredLatency: found.measuredLatencies.edges[0].node.id,
    DriftAlert: found.driftAlerts.edges[0].node.id,
  };
}
