/** From nothing to an API key in a real browser, by the real mails; and what a viewer and a stranger get to see. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { faultsOfPages, scriptBytes, TestBrowser, type TestVisit } from '../testkit/browser';
import { TestService } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';
import { join } from '../testkit/team-members';

const PASSWORD = 'correct horse battery staple';

describe('the dashboard', () => {
  let smtp: TestSmtp;
  let service: TestService;
  let browser: TestBrowser;
  let url: string;
  const visits: TestVisit[] = [];

  beforeAll(async () => {
    if (!existsSync(path.resolve(__dirname, '../../dist/web/index.html'))) throw new Error('npm run web:build first.');
    smtp = await TestSmtp.start();
    service = await TestService.start({ config: { mail: { url: smtp.url, from: 'fusecast@example.com' } } });
    browser = await TestBrowser.start();
    url = service.anonymous.url;
  });
  afterEach(async () => {
    for (const visit of visits.splice(0)) await visit.close();
  });
  afterAll(async () => {
    await browser?.stop();
    await service?.stop();
    await smtp?.stop();
  });

  async function visit(options: Parameters<TestBrowser['open']>[1] = {}): Promise<TestVisit> {
    const opened = await browser.open(url, options);
    visits.push(opened);
    return opened;
  }

  test('signing up by mail, a team, an API key that works', async () => {
    const ann = await visit();
    const { page } = ann;
    await ann.goto('/');
    expect(new URL(page.url()).pathname).toBe('/sign-in');
    await page.getByRole('link', { name: 'Sign up' }).click();
    await page.getByLabel('Name').fill('Ann');
    await page.getByLabel('E-mail').fill('ann@example.com');
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign up' }).click();
    await page.getByText('A mail is on its way to ann@example.com').waitFor();

    await ann.goto(`/verify-email#${await smtp.tokenTo('ann@example.com')}`);
    await page.getByRole('button', { name: 'Confirm and sign in' }).click();
    await page.getByRole('heading', { name: 'You are in no team yet' }).waitFor();

    await page.getByRole('button', { name: 'New team' }).first().click();
    await page.getByLabel('Name').fill('Phones');
    await page.getByRole('button', { name: 'Make team' }).click();
    await page.getByRole('heading', { name: 'Phones', level: 1 }).waitFor();

    await page.getByRole('navigation').getByRole('link', { name: 'API keys' }).click();
    await page.getByRole('button', { name: 'New API key' }).first().click();
    await page.getByLabel('Name').fill('ci');
    await page.getByRole('button', { name: 'Make key' }).click();
    const key = (await page.locator('[data-label="API key"]').textContent()) ?? '';
    expect(await page.locator('[data-label="Command line"]').textContent()).toContain(`FUSECAST_API_KEY=${key}`);
    const { viewer } = await service.anonymous.as(key).query('{ viewer { team { name } apiKey { name } } }');
    expect(viewer).toEqual({ team: { name: 'Phones' }, apiKey: { name: 'ci' } });
    await page.getByRole('button', { name: 'Done' }).click();
    expect(await page.content()).not.toContain(key);
    expect(ann.complaints).toEqual([]);
  }, 120_000);

  test('a viewer sees the team and can change nothing of it', async () => {
    const team = await service.createTeam('Watched');
    const { person: viewer } = await join(smtp, team, 'VIEWER');
    const shown = await (await visit()).signIn(viewer.token);
    await shown.goto(`/teams/${team.id}/members`);
    await shown.page.getByRole('cell', { name: viewer.email }).waitFor();
    const labels = await shown.page.getByRole('navigation').getByRole('link').allTextContents();
    expect(labels).toContain('Members');
    expect(labels).not.toContain('API keys');
    expect(await shown.page.getByRole('button', { name: /Invite|Remove/ }).count()).toBe(0);
    expect(shown.complaints).toEqual([]);
    // Who types the address gets the API's refusal, with its code.
    await shown.goto(`/teams/${team.id}/api-keys`);
    await shown.page.getByText('FORBIDDEN').waitFor();
  });

  test('the address of another team is not found', async () => {
    const team = await service.createTeam('Theirs');
    const stranger = await (await visit()).signIn((await service.createPerson()).token);
    await stranger.goto('/');
    await stranger.page.goto(`/teams/${team.id}/members`);
    await stranger.page.getByRole('heading', { name: 'Not found' }).waitFor();
    expect(await stranger.page.content()).not.toContain('Theirs');
  });

  test('a session that ended asks to sign in, and leads back', async () => {
    const team = await service.createTeam('Mine');
    const shown = await (await visit()).signIn(team.person.token);
    await shown.goto(`/teams/${team.id}/members`);
    await team.person.client.query('mutation { signOutEverywhere { sessions } }');
    await shown.page.getByRole('navigation').getByRole('link', { name: 'Usage' }).click();
    await shown.page.getByLabel('E-mail').fill(team.person.email);
    await shown.page.locator('input[name=password]').fill(team.person.password);
    await shown.page.getByRole('button', { name: 'Sign in' }).click();
    await shown.page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
  });

  test('every page fits a phone, and axe-core finds nothing serious in light and dark', async () => {
    const team = await service.createTeam('Everything');
    const entry = ['sign-in', 'sign-up', 'forgot-password'];
    expect(await faultsOfPages(browser, url, Object.fromEntries(entry.map((each) => [each, `/${each}`])))).toEqual([]);
    const ofTeam = ['members', 'api-keys', 'usage', 'audit', 'settings'];
    const pages = {
      teams: '/',
      account: '/account',
      'overview-empty': `/teams/${team.id}`,
      ...Object.fromEntries(ofTeam.map((each) => [each, `/teams/${team.id}/${each}`])),
    };
    expect(await faultsOfPages(browser, url, pages, team.person.token)).toEqual([]);
  }, 180_000);

  test('the first load is less than 300 kB of compressed script', async () => {
    expect(await scriptBytes(browser, url, '/sign-in')).toBeLessThan(300_000);
  });

  test('GraphiQL runs a query in the team, from this host alone', async () => {
    const team = await service.createTeam('Asked');
    const shown = await (await visit()).signIn(team.person.token);
    await shown.goto(`/teams/${team.id}/graphiql?query=${encodeURIComponent('{ viewer { team { name } } }')}`);
    // Until the editor has loaded its text and the schema, running does nothing.
    await shown.page.locator('.graphiql-query-editor .view-lines').getByText('viewer').waitFor();
    const answer = shown.page.locator('.graphiql-response').getByText('"Asked"');
    const run = shown.page.getByRole('button', { name: /execute query/i });
    for (let attempt = 0; attempt < 10 && !(await answer.isVisible()); attempt++) {
      await run.click();
      await answer.waitFor({ timeout: 5_000 }).catch(() => undefined);
    }
    await answer.waitFor();
    expect(shown.complaints).toEqual([]);
  }, 120_000);
});
