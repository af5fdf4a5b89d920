/** Datasets in a real browser: uploads that are interrupted and go on, what was refused and why, and what a viewer sees. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Route } from 'playwright-core';
import { faultsOfPages, TestBrowser, type TestVisit } from '../testkit/browser';
import { TestService, type TestTeam } from '../testkit/service';

const PART = 8 * 1024 * 1024;
const SCENARIO = 'tflite/pixel4/gpu/float';

/** A profile of two parts and a bit, most of it blanks. */
function largeProfile(): Buffer {
  const row = JSON.stringify([{ network: 'alexnet', scenario: SCENARIO, latencyUs: 1200.5 }]);
  return Buffer.from(row.padStart(2 * PART + 1000));
}

describe('datasets in the dashboard', () => {
  let service: TestService;
  let browser: TestBrowser;
  const visits: TestVisit[] = [];

  beforeAll(async () => {
    if (!existsSync(path.resolve(__dirname, '../../dist/web/index.html'))) throw new Error('npm run web:build first.');
    service = await TestService.start();
    browser = await TestBrowser.start();
  }, 60_000);
  afterEach(async () => {
    for (const visit of visits.splice(0)) await visit.close();
  });
  afterAll(async () => {
    await browser?.stop();
    await service?.stop();
  });

  async function visit(team: TestTeam, options: Parameters<TestBrowser['open']>[1] = {}): Promise<TestVisit> {
    const opened = await browser.open(service.anonymous.url, options);
    visits.push(opened);
    return opened.signIn(team.person.token);
  }

  const choose = ({ page }: TestVisit, name: string, buffer: Buffer) =>
    page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });

  test('an upload that broke off goes on after a reload with the parts that are missing', async () => {
    const team = await service.createTeam();
    const shown = await visit(team);
    const { page } = shown;
    const puts: string[] = [];
    let broken = true;
    await page.route('**/objects/**', async (route: Route) => {
      puts.push(new URL(route.request().url()).pathname.slice(-2));
      if (broken && puts.length === 2) await route.abort('connectionreset');
      else await route.continue();
    });
    await shown.goto(`/teams/${team.id}/datasets`);
    await choose(shown, 'large.json', largeProfile());
    await page.getByText('INTERRUPTED').waitFor();
    expect(puts).toEqual(['/0', '/1']);
    expect(shown.complaints.splice(0)).toEqual(['error: Failed to load resource: net::ERR_CONNECTION_RESET']);

    broken = false;
    await page.reload();
    await shown.settle();
    await choose(shown, 'large.json', largeProfile());
    await page.getByText('8.0 MiB had arrived before').waitFor();
    await page.getByText(/Uploaded · 16 MiB/).waitFor();
    expect(puts).toEqual(['/0', '/1', '/1', '/2']);
    await page.getByRole('cell', { name: 'Ready' }).waitFor();
    expect(shown.complaints).toEqual([]);
  }, 120_000);

  test('an upload is paused and resumed, by keyboard', async () => {
    const team = await service.createTeam();
    const shown = await visit(team);
    const { page } = shown;
    let held: Route | undefined;
    const holding = new Promise<void>((resolve) => {
      void page.route('**/objects/**', async (route: Route) => {
        if (held) return route.continue();
        held = route;
        resolve();
      });
    });
    await shown.goto(`/teams/${team.id}/datasets`);
    await choose(shown, 'paused.csv', Buffer.from(`network,scenario,latencyUs\na,${SCENARIO},1\n`));
    await holding;
    await page.getByRole('button', { name: 'Pause paused.csv' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText(/^Paused/).waitFor();
    await page.getByRole('button', { name: 'Resume paused.csv' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText(/^Uploaded/).waitFor();
    await page.getByRole('cell', { name: 'Ready' }).waitFor();
    expect(shown.complaints).toEqual([]);
  }, 120_000);

  test('a dataset says how it was measured and how its latencies are spread; a refused one, what is wrong where', async () => {
    const team = await service.createTeam();
    const kernels = Array.from({ length: 40 }, (_, i) => ({
      network: `network-${i % 5}`,
      scenario: SCENARIO,
      kind: i % 2 ? 'Conv' : 'Add',
      inputElements: 10,
      latencyUs: i < 20 ? 10 + i : 1000 + i,
      threads: 4,
      statistic: 'median',
    }));
    const wholes = [3, 1, 2].map((latencyUs, i) => ({
      network: `network-${i}`,
      scenario: SCENARIO,
      latencyUs: 1000 * latencyUs,
      deviationUs: 900,
      threads: 4,
      statistic: 'median',
    }));
    const good = await team.client.createDataset('good.json', Buffer.from(JSON.stringify([...wholes, ...kernels])));
    const lines = ['network,scenario,latencyUs', `a,${SCENARIO},12`, `b,${SCENARIO},fast`, `c,${SCENARIO},-1`];
    const bad = await team.client.createDataset('bad.csv', Buffer.from(lines.join('\n')));
    const shown = await visit(team);
    const { page } = shown;
    await shown.goto(`/teams/${team.id}/datasets`);
    await page.getByRole('link', { name: good.name }).click();
    await page
      .getByText('All 43 rows accepted, none refused: 3 end to end and 40 of kernels, of 5 networks.')
      .waitFor();
    await page.getByText('3 rows have a standard deviation over 20 % of the latency').waitFor();
    const row = (table: string, name: string) =>
      page.getByRole('region', { name: table }).getByRole('row').filter({ hasText: name }).getByRole('cell');
    expect(await row('Latencies, table', 'End to end').allTextContents()).toEqual([
      'End to end',
      '3',
      '1.00 ms',
      '1.50 ms',
      '2.00 ms',
      '2.50 ms',
      '3.00 ms',
    ]);
    expect(await row('Scenarios, table', SCENARIO).allTextContents()).toEqual([SCENARIO, '3', '40', '2', 'Predictors']);
    expect(await row('How it was measured, table', 'Median').nth(1).textContent()).toBe('4');

    const pages = {
      dataset: `/teams/${team.id}/datasets/${good.id}`,
      'dataset-refused': `/teams/${team.id}/datasets/${bad.id}`,
    };
    await shown.goto(pages['dataset-refused']);
    await page.getByText('Nothing of the file is used. It has 2 problems:').waitFor();
    expect(await row('Problems', 'fast').first().textContent()).toBe('Line 3');
    expect(shown.complaints).toEqual([]);
    expect(await faultsOfPages(browser, service.anonymous.url, pages, team.person.token)).toEqual([]);
    const stranger = await service.createTeam();
    const outside = await visit(stranger);
    await outside.goto(`/teams/${stranger.id}/datasets/${good.id}`);
    await outside.page.getByText('NOT_FOUND').or(outside.page.getByText('There is no dataset')).first().waitFor();
  }, 120_000);
});
