/** A version is trained by clicks, its progress is seen moving, and it comes into use; real data, a real training. */
import { faultsOfPages, TestBrowser, type TestVisit } from '../testkit/browser';
import { TestService, type TestTeam } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';
import { join } from '../testkit/team-members';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

describe('predictors and versions', () => {
  let smtp: TestSmtp;
  let service: TestService;
  let browser: TestBrowser;
  let team: TestTeam;
  let trained: TrainedTeam;
  let visit: TestVisit;
  beforeAll(async () => {
    smtp = await TestSmtp.start();
    service = await TestService.start({ config: { mail: { url: smtp.url, from: 'fusecast@example.com' } } });
    browser = await TestBrowser.start();
    team = await service.createTeam('Phones');
    trained = await trainOnSynthetic(team.client);
    visit = await (await browser.open(service.anonymous.url)).signIn(team.person.token);
  }, 120_000);
  afterAll(async () => {
    await visit?.close();
    await browser?.stop();
    await service?.stop();
    await smtp?.stop();
  });

  test('a training begun by clicks is seen moving, and ends in its report', async () => {
    const { page } = visit;
    await visit.goto(`/teams/${team.id}/predictors`);
    await page.getByRole('link', { name: 'Train' }).click();
    await page.locator('input[name=name]').fill('clicked');
    await page.getByRole('button', { name: 'Train' }).click();
    await page.getByRole('heading', { name: 'clicked, version 1' }).waitFor();
    const seen = new Set<string>();
    const report = page.getByRole('heading', { name: 'Predicted against measured' });
    while (!(await report.isVisible())) {
      const bar = page.getByRole('progressbar', { name: 'Training' });
      const value = await bar.getAttribute('aria-valuenow', { timeout: 500 }).catch(() => null);
      if (value !== null) seen.add(value);
    }
    expect(seen.size).toBeGreaterThanOrEqual(2);
    await page.getByText('Mean error').waitFor();
    expect(
      await page.locator('[aria-label^="Predicted against measured latency of 24 networks"]').count(),
    ).toBeGreaterThan(0);
    expect(visit.complaints).toEqual([]);
  }, 120_000);

  test('comes into use with a reason, is pinned, and is rolled back', async () => {
    const { page } = visit;
    await visit.goto(`/teams/${team.id}/versions/${trained.versionId}`);
    await page.getByRole('button', { name: 'Promote' }).click();
    await page.locator('textarea[name=reason]').fill('the first');
    await page.getByRole('dialog').getByRole('button', { name: 'Promote' }).click();
    await page.getByText('In use', { exact: true }).waitFor();
    await page.locator('input[name=name]').fill('release');
    await page.getByRole('button', { name: 'Pin this version' }).click();
    await page.getByText('release', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'synthetic', exact: true }).click();
    await page.getByText('Version 1 is in use.').waitFor();
    await page.getByRole('cell', { name: 'the first' }).waitFor();
    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.locator('textarea[name=reason]').fill('slow');
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    // There is no version before it, which the API says.
    await page.getByRole('dialog').getByText('CONFLICT').waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test('a viewer sees all of it and can change nothing', async () => {
    const { person } = await join(smtp, team, 'VIEWER');
    const viewer = await (await browser.open(service.anonymous.url)).signIn(person.token);
    await viewer.goto(`/teams/${team.id}/predictors`);
    await viewer.page.getByRole('link', { name: 'synthetic' }).waitFor();
    expect(await viewer.page.getByRole('link', { name: 'Train' }).count()).toBe(0);
    await viewer.goto(`/teams/${team.id}/versions/${trained.versionId}`);
    await viewer.page.getByRole('heading', { name: 'Pins' }).waitFor();
    expect(await viewer.page.getByRole('button', { name: /Promote|Retire|Nominate|Pin|Remove/ }).count()).toBe(0);
    expect(viewer.complaints).toEqual([]);
    await viewer.close();
  });

  test('the pages are accessible in light and dark, on a phone and on a large window', async () => {
    const node = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { predictor { id } } } }';
    const { predictor } = (await team.client.query(node, { id: trained.versionId })).node;
    const at = `/teams/${team.id}`;
    const pages = {
      predictors: `${at}/predictors`,
      train: `${at}/predictors/train`,
      predictor: `${at}/predictors/${predictor.id}`,
      version: `${at}/versions/${trained.versionId}`,
    };
    expect(await faultsOfPages(browser, service.anonymous.url, pages, team.person.token)).toEqual([]);
  }, 180_000);
});
