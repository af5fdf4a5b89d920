/** A network is uploaded without its weights, by clicks, and what it takes is seen kernel by kernel. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { faultsOfPages, TestBrowser, type TestVisit } from '../testkit/browser';
import { TestService, type TestTeam } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

describe('networks', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-test-'));
  let service: TestService;
  let browser: TestBrowser;
  let team: TestTeam;
  let trained: TrainedTeam;
  let visit: TestVisit;
  beforeAll(async () => {
    service = await TestService.start();
    browser = await TestBrowser.start();
    team = await service.createTeam('Phones');
    trained = await trainOnSynthetic(team.client);
    visit = await (await browser.open(service.anonymous.url)).signIn(team.person.token);
  }, 120_000);
  afterAll(async () => {
    await visit?.close();
    await browser?.stop();
    await service?.stop();
    rmSync(folder, { recursive: true });
  });

  test('weights stay in the browser, and the network is predicted kernel by kernel', async () => {
    const { page } = visit;
    const [{ bytes }] = [...buildDemoNetworks(1, 7)];
    const file = path.join(folder, 'clicked.onnx');
    writeFileSync(file, bytes);
    await visit.goto(`/teams/${team.id}/networks`);
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByText(/^clicked\.onnx: .* read, .* sent\.$/).waitFor();
    await page.getByRole('link', { name: 'clicked', exact: true }).click();
    await page.getByRole('button', { name: 'Predict in all scenarios' }).click();
    await page.getByRole('heading', { name: 'Kernels, most time first' }).waitFor();
    await page.getByRole('heading', { name: 'Latency per scenario' }).waitFor();
    const sizes = '{ networks(filter: { name: "clicked" }) { edges { node { sizeBytes } } } }';
    const [{ node }] = (await team.client.query(sizes)).networks.edges;
    expect(node.sizeBytes).toBeLessThan(bytes.byteLength / 4);
    const rows = page.getByRole('region', { name: 'Kernels', exact: true }).getByRole('row');
    expect(await rows.count()).toBeGreaterThan(5);
    expect(visit.complaints).toEqual([]);
  }, 60_000);

  test('a file that is no network says so before anything is sent', async () => {
    const file = path.join(folder, 'broken.onnx');
    writeFileSync(file, 'no network');
    await visit.goto(`/teams/${team.id}/networks`);
    await visit.page.locator('input[type=file]').setInputFiles(file);
    await visit.page.locator('[data-state=FAILED]').waitFor();
  });

  test('the pages are accessible in light and dark, on a phone and on a large window', async () => {
    const at = `/teams/${team.id}/networks`;
    const [{ id }] = trained.networks;
    const input = { networkIds: [id], scenarios: [trained.scenario] };
    await team.client.query('mutation ($input: PredictInput!) { predict(input: $input) { predictions { id } } }', {
      input,
    });
    const pages = { networks: at, network: `${at}/${id}` };
    expect(await faultsOfPages(browser, service.anonymous.url, pages, team.person.token)).toEqual([]);
  }, 120_000);
});
