/** Two versions compared by clicks, on networks that neither has seen. */

import { faultsOfPages, TestBrowser } from '../testkit/browser';
import { until } from '../testkit/client';
import { freezeNetworks } from '../testkit/evaluation-sets';
import { TestService, type TestTeam } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const TRAIN = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
const STATUS = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status } } }';

describe('comparing', () => {
  let service: TestService;
  let browser: TestBrowser;
  let team: TestTeam;
  let trained: TrainedTeam;
  let setId: string;
  const ids: string[] = [];
  beforeAll(async () => {
    service = await TestService.start();
    browser = await TestBrowser.start();
    team = await service.createTeam('Phones');
    const { client } = team;
    trained = await trainOnSynthetic(client);
    const names = trained.networks.slice(0, 8).map(({ name }) => name);
    setId = (await freezeNetworks(client, trained.datasetId, names)).id;
    for (const learner of ['LASSO', 'GAUSSIAN_PROCESS']) {
      const input = { name: learner.toLowerCase(), scenario: trained.scenario, learner, evaluationSetIds: [setId] };
      const { version } = (await client.query(TRAIN, { input: { ...input, datasetIds: [trained.datasetId] } }))
        .trainPredictor;
      await until(
        async () => (await client.query(STATUS, { id: version.id })).node.status,
        (each) => each === 'READY',
      );
      ids.push(version.id);
    }
  }, 180_000);
  afterAll(async () => {
    await browser?.stop();
    await service?.stop();
  });

  test('two versions chosen by clicks are compared, and the address says it all', async () => {
    const visit = await (await browser.open(service.anonymous.url)).signIn(team.person.token);
    const { page } = visit;
    await visit.goto(`/teams/${team.id}/compare`);
    await page.getByRole('combobox', { name: 'Version A' }).click();
    await page.getByRole('option', { name: /^lasso 1/ }).click();
    await page.getByRole('combobox', { name: 'Version B' }).click();
    await page.getByRole('option', { name: /^gaussian_process 1/ }).click();
    await page.getByRole('combobox', { name: 'On the evaluation set' }).click();
    await page.getByRole('option', { name: /8 networks/ }).click();
    await page.getByRole('heading', { name: 'Every network' }).waitFor();
    expect(await page.getByRole('region', { name: 'Every network' }).getByRole('row').count()).toBe(9);
    expect(page.url()).toContain(`a=${ids[0]}`);
    expect(visit.complaints).toEqual([]);
    // A version that was trained on networks of the set is refused, in words.
    await visit.goto(`/teams/${team.id}/compare?a=${trained.versionId}&b=${ids[1]}&on=${setId}`);
    await page.getByText('CONFLICT').waitFor();
    await visit.close();
  }, 60_000);

  test('the page is accessible in light and dark, on a phone and on a large window', async () => {
    const at = `/teams/${team.id}/compare`;
    const pages = { 'compare-choice': at, compare: `${at}?a=${ids[0]}&b=${ids[1]}&on=${setId}` };
    expect(await faultsOfPages(browser, service.anonymous.url, pages, team.person.token)).toEqual([]);
  }, 120_000);
});
