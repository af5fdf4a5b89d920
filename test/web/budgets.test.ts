/** What CI pipelines recorded, and the matrix of scenarios, in a real browser. */

import { faultsOfPages, TestBrowser, type TestVisit } from '../testkit/browser';
import { recordCheck } from '../testkit/budget-checks';
import { TestService, type TestTeam } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const PREDICT = 'mutation ($input: PredictInput!) { predict(input: $input) { predictions { id } } }';
const PROMOTE = 'mutation ($input: PromoteVersionInput!) { promoteVersion(input: $input) { version { id } } }';

describe('budgets and scenarios', () => {
  let service: TestService;
  let browser: TestBrowser;
  let team: TestTeam;
  let trained: TrainedTeam;
  let check: string;
  let visit: TestVisit;
  beforeAll(async () => {
    service = await TestService.start();
    browser = await TestBrowser.start();
    team = await service.createTeam('Phones');
    trained = await trainOnSynthetic(team.client);
    const input = { networkIds: [trained.networks[0].id], versionIds: [trained.versionId] };
    const { predictions } = (await team.client.query(PREDICT, { input })).predict;
    check = await recordCheck(team.client, predictions[0].id);
    await team.client.query(PROMOTE, { input: { versionId: trained.versionId, reason: 'the first' } });
    visit = await (await browser.open(service.anonymous.url)).signIn(team.person.token);
  }, 120_000);
  afterAll(async () => {
    await visit?.close();
    await browser?.stop();
    await service?.stop();
  });

  test('a check is found by its repository and shows its results and the trend', async () => {
    const { page } = visit;
    await visit.goto(`/teams/${team.id}/budgets`);
    await page.getByRole('textbox', { name: 'Repository' }).fill('team/others');
    await page.getByText('No such runs').waitFor();
    await page.getByRole('textbox', { name: 'Repository' }).fill('team/models');
    await page.getByRole('link', { name: '0123456789' }).click();
    await page.getByRole('heading', { name: 'team/models at 0123456789' }).waitFor();
    await page.getByRole('link', { name: trained.networks[0].name, exact: true }).waitFor();
    await page.locator(`[aria-label^="Latency of ${trained.networks[0].name} over 1 checks"]`).first().waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test('the matrix leads from a scenario to the version in use', async () => {
    const { page } = visit;
    await visit.goto(`/teams/${team.id}/scenarios`);
    await page.getByRole('link', { name: `${trained.scenario}: error` }).click();
    await page.getByRole('heading', { name: 'synthetic, version 1' }).waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test('the pages are accessible in light and dark, on a phone and on a large window', async () => {
    const at = `/teams/${team.id}`;
    const pages = {
      budgets: `${at}/budgets`,
      'budgets-empty': `${at}/budgets?branch=none`,
      'budget-check': `${at}/budgets/${check}`,
      scenarios: `${at}/scenarios`,
    };
    expect(await faultsOfPages(browser, service.anonymous.url, pages, team.person.token)).toEqual([]);
    const empty = await service.createTeam('Empty');
    const without = {
      'budgets-first': `/teams/${empty.id}/budgets`,
      'scenarios-empty': `/teams/${empty.id}/scenarios`,
    };
    expect(await faultsOfPages(browser, service.anonymous.url, without, empty.person.token)).toEqual([]);
  }, 180_000);
});
