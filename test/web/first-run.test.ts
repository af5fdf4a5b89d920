/** An empty team comes to its first prediction by clicks: with the demo's data, and with files of its own. */
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { faultsOfPages, TestBrowser, type TestVisit } from '../testkit/browser';
import { TestService } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';
import { join } from '../testkit/team-members';

/** Seconds that somebody waits for a first prediction at most. */
const BAR_SECONDS = 120;

describe('the first run', () => {
  let smtp: TestSmtp;
  let service: TestService;
  let browser: TestBrowser;
  const visits: TestVisit[] = [];
  beforeAll(async () => {
    smtp = await TestSmtp.start();
    service = await TestService.start({ config: { mail: { url: smtp.url, from: 'fusecast@example.com' } } });
    browser = await TestBrowser.start();
  }, 60_000);
  afterAll(async () => {
    for (const visit of visits) await visit.close();
    await browser?.stop();
    await service?.stop();
    await smtp?.stop();
  });

  async function visitTeam(): Promise<{ visit: TestVisit; id: string; token: string }> {
    const { id, person } = await service.createTeam('Phones');
    const visit = await (await browser.open(service.anonymous.url)).signIn(person.token);
    visits.push(visit);
    await visit.goto(`/teams/${id}`);
    return { visit, id, token: person.token };
  }

  test('an empty team sees a prediction within two minutes, with the demo data', async () => {
    const { visit, id, token } = await visitTeam();
    const { page } = visit;
    const now = page.locator('[aria-current=step]');
    await now.getByRole('heading', { name: 'Upload a profile' }).waitFor();
    const path = { overview: `/teams/${id}` };
    expect(await faultsOfPages(browser, service.anonymous.url, { 'first-run': path.overview }, token)).toEqual([]);

    const began = performance.now();
    await page.getByRole('button', { name: "Use the demo's data" }).click();
    await page.getByText(/^\d+ of 31 files sent$/).waitFor();
    await page.getByRole('progressbar', { name: 'Training' }).waitFor();
    // What it shows is the team's: another look begins where this one is.
    await page.reload();
    await now.getByRole('heading', { name: 'See a prediction' }).waitFor({ timeout: 1000 * BAR_SECONDS });
    await page.getByText(/The demo's server took [\d.]+ (us|ms)/).waitFor();
    await page.getByRole('button', { name: 'Predict', exact: true }).click();
    await page.getByRole('heading', { name: 'Kernels, most time first' }).waitFor();
    const seconds = (performance.now() - began) / 1000;
    process.stderr.write(`first prediction after ${seconds.toFixed(1)} s\n`);
    expect(seconds).toBeLessThan(BAR_SECONDS);
    expect(visit.complaints).toEqual([]);

    await visit.goto(path.overview);
    await page.getByRole('region', { name: 'Newest predictions', exact: true }).getByRole('link').nth(1).waitFor();
    await page
      .getByRole('region', { name: 'Versions in use', exact: true })
      .getByRole('link', { name: 'demo' })
      .waitFor();
    expect(await faultsOfPages(browser, service.anonymous.url, path, token)).toEqual([]);
  }, 300_000);

  test('files of its own lead there, too, step by step', async () => {
    const { visit } = await visitTeam();
    const { page } = visit;
    const { profile } = createSyntheticData(12, 0.02, 1);
    const rows = profile.networks.map(({ harness: _index, ...row }) => ({ ...row, threads: 1, statistic: 'median' }));
    const files = [...buildDemoNetworks(12, 1)].map(({ name, bytes }) => ({
      name: `${name}.onnx`,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(bytes),
    }));
    await page.getByRole('link', { name: 'Upload a profile' }).click();
    const buffer = Buffer.from(JSON.stringify(rows));
    const chooser = page.locator('input[type=file]');
    await chooser.setInputFiles({ name: 'own.json', mimeType: 'application/json', buffer });
    await page.getByRole('cell', { name: 'Ready' }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('link', { name: 'Upload networks' }).click();
    await chooser.setInputFiles(files);
    await page
      .getByText('Uploaded')
      .nth(files.length - 1)
      .waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('link', { name: 'Train a predictor' }).click();
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await page.waitForURL(/versions/);
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('button', { name: 'Predict', exact: true }).click({ timeout: 90_000 });
    await page.getByRole('heading', { name: 'Kernels, most time first' }).waitFor();
    expect(new URL(page.url()).searchParams.get('scenario')).toBe(SYNTHETIC_SCENARIO);
    expect(visit.complaints).toEqual([]);
  }, 240_000);

  test('a viewer sees the steps without their buttons', async () => {
    const team = await service.createTeam('Phones');
    const { person } = await join(smtp, team, 'VIEWER');
    const visit = await (await browser.open(service.anonymous.url)).signIn(person.token);
    visits.push(visit);
    await visit.goto(`/teams/${team.id}`);
    await visit.page.getByText('You may look and not change anything').waitFor();
    expect(await visit.page.getByRole('main').getByRole('button').count()).toBe(1);
    expect(await visit.page.getByRole('main').getByRole('link').count()).toBe(0);
  });
});
