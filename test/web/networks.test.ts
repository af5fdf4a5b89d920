/** A network is uploaded without its weights, by clicks, and what it takes is seen kernel by kernel. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { faultsOfPages, TestBrowser, type TestVisit } from '../testkit/browser';
import { changed, setDimension } from '../testkit/onnx-files';
import { TestService, type TestTeam } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

/** The bytes of the object store that have a digest. */
async function storedFile(directory: string, sha256: string): Promise<Buffer> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(path.join(entry.parentPath, entry.name));
    if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  }
  throw new Error(`No file of ${directory} has the SHA-256 ${sha256}.`);
}

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
    await page.getByText(/^clicked\.onnx: .* read, .* sent, \d+ tensors of weights left out$/).waitFor();
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

  test('what goes over the wire is what the store has, and no stretch of the weights is in it', async () => {
    const { page } = visit;
    const sent: Promise<number>[] = [];
    page.on('requestfinished', (request) => {
      if (request.method() === 'PUT') sent.push(request.allHeaders().then((each) => Number(each['content-length'])));
    });
    const [{ bytes }] = [...buildDemoNetworks(1, 8)];
    const whole = Buffer.from(bytes);
    await visit.goto(`/teams/${team.id}/networks`);
    await page.locator('input[type=file]').setInputFiles({ name: 'wired.onnx', mimeType: 'a/b', buffer: whole });
    await page.getByRole('link', { name: 'wired', exact: true }).waitFor();
    const digest = '{ networks(filter: { name: "wired" }) { edges { node { sha256 } } } }';
    const [{ node }] = (await team.client.query(digest)).networks.edges;
    const stored = await storedFile(service.directory, node.sha256);
    expect(await Promise.all(sent)).toEqual([stored.length]);
    const weights = whole.subarray(whole.length >> 1, (whole.length >> 1) + 64);
    expect([whole.includes(weights), stored.includes(weights)]).toEqual([true, false]);
  });

  test('an open dimension is asked for; who gives no size gets no network', async () => {
    const { page } = visit;
    const buffer = Buffer.from(changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })));
    const file = { name: 'open.onnx', mimeType: 'application/octet-stream', buffer };
    await visit.goto(`/teams/${team.id}/networks`);
    const dialog = page.getByRole('dialog', { name: 'Sizes of open.onnx' });
    await page.locator('input[type=file]').setInputFiles(file);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('UNBOUND_DIMENSION').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await dialog.getByLabel('batch').fill('2');
    await dialog.getByRole('button', { name: 'Use these sizes' }).click();
    await page.getByRole('link', { name: 'open', exact: true }).waitFor();
    const bindings = '{ networks(filter: { name: "open" }) { edges { node { bindings { name size } } } } }';
    const { edges } = (await team.client.query(bindings)).networks;
    expect(edges).toEqual([{ node: { bindings: [{ name: 'batch', size: 2 }] } }]);
  });

  test('the list is searched and sorted on the server, by its URL', async () => {
    const { page } = visit;
    await visit.goto(`/teams/${team.id}/networks?sort=OPS`);
    const column = page.getByRole('region', { name: 'Networks', exact: true }).locator('tbody td:nth-child(4)');
    await column.first().waitFor();
    const ops = (await column.allTextContents()).map((text) => Number(text) || 0);
    expect(ops.length).toBeGreaterThan(5);
    expect(ops).toEqual([...ops].sort((a, b) => b - a));
    await page.getByRole('textbox', { name: 'Name' }).fill('RESIDUAL-1');
    await page.waitForURL(/search=RESIDUAL-1/);
    await page.getByRole('link', { name: /plain/ }).first().waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'inverted-residual-1', exact: true }).waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test('a file that is no network says so before anything is sent', async () => {
    const file = path.join(folder, 'broken.onnx');
    writeFileSync(file, 'no network');
    await visit.goto(`/teams/${team.id}/networks`);
    await visit.page.locator('input[type=file]').setInputFiles(file);
    await visit.page.locator('[data-state=FAILED]').getByText('MALFORMED_FILE').waitFor();
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
