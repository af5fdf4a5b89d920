/** fusecast check against a base, which it keeps and finds again; and that weights stay at home meanwhile. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readNetwork } from '../../src/engine';
import { buildNetwork, CheckedProject, recordedRun, SCENARIOS, WIDTHS } from '../testkit/check-project';
import { runCommand } from '../testkit/command';

const ONE = { networks: ['models/*.onnx'], scenarios: [SCENARIOS[0]] };

describe('fusecast check', () => {
  let project: CheckedProject;
  beforeAll(async () => {
    project = await CheckedProject.start(1);
  }, 240_000);
  afterAll(() => project?.stop());

  describe('against a base', () => {
    const models = (widths: readonly number[]) => ({
      'models/net.onnx': buildNetwork('net', widths),
      'models/same.onnx': buildNetwork('same', WIDTHS),
    });
    const configuration = { ...ONE, budgets: [{ regression: '+5 %' }] };
    let before: string;

    test('the first run has none, says so and is kept', async () => {
      const folder = project.repository(models(WIDTHS), configuration);
      const first = await project.report(folder, 0, recordedRun('c1', 'main'));
      expect(first.checkId).not.toBeNull();
      expect(first.notes).toEqual([expect.stringContaining('Nothing to compare with')]);
      expect(await project.report(folder, 3, ['--missing-base', 'inconclusive'])).toMatchObject({
        verdict: 'INCONCLUSIVE',
      });
      before = path.join(project.root, 'before.json');
      writeFileSync(before, JSON.stringify(first));
      // The same run again is the same check.
      expect((await project.report(folder, 0, recordedRun('c1', 'main'))).checkId).toBe(first.checkId);
    });

    test('what did not change has exactly no change, whatever the interval', async () => {
      const answer = await project.report(
        project.repository(models(WIDTHS), { ...ONE, budgets: [{ regression: '0 %' }] }),
        0,
        recordedRun('c2', 'topic', '--base', 'main'),
      );
      expect(answer.base).toMatchObject({ commit: 'c1', checkId: expect.any(String) });
      for (const { change, kernelChanges } of answer.results) {
        expect(change).toEqual({ percent: 0, lowerPercent: 0, upperPercent: 0 });
        expect(kernelChanges).toEqual([]);
      }
    });

    test('what became slower fails, and the kernels that did it are named', async () => {
      const folder = project.repository(models([32, 32, 48, 128]), configuration);
      const [markdown, junit, sarif] = ['check.md', 'junit.xml', 'check.sarif'];
      const parameters = [
        '--markdown',
        markdown,
        '--junit',
        junit,
        '--sarif',
        sarif,
        '--annotations',
        '--base',
        'main',
      ];
      const { stderr } = await project.check(folder, [...parameters, ...recordedRun('c3', 'topic')]);
      expect(stderr).toMatch(/^::error file=fusecast\.yaml,line=\d+,col=\d+,title=Latency regression::net on /m);
      for (const file of [markdown, junit, sarif])
        expect(readFileSync(path.join(folder, file), 'utf8')).toContain('net');
      const answer = await project.report(folder, 1, recordedRun('c3', 'topic', '--base', 'main'));
      const [net, same] = answer.results;
      expect([net.verdict, same.verdict]).toEqual(['FAIL', 'PASS']);
      expect(net.change.lowerPercent).toBeGreaterThan(5);
      const named = net.kernelChanges.map(({ change, kind }: { change: string; kind: string }) => [change, kind]);
      expect(named).toContainEqual(['SLOWER', 'convolution']);
      expect(net.kernelChanges[0]).toMatchObject({
        reason: expect.stringMatching(/./),
        op: expect.stringMatching(/./),
      });
      // Three kernels see the wider layer: it, the pooling behind it and the fully connected one.
      expect(net.kernelChanges.length).toBeLessThanOrEqual(4);
      const { budgetCheck } = await project.team.client.query(
        `query ($id: ID!) { budgetCheck(id: $id) { verdict branch base { commit } results {
        verdict latencyUs baseLatencyUs change { percent } network { name } kernelChanges { change kind op reason } } } }`,
        { id: answer.checkId },
      );
      expect(budgetCheck).toMatchObject({ verdict: 'FAIL', branch: 'topic', base: { commit: 'c1' } });
      const kept = budgetCheck.results.find((each: { network: { name: string } }) => each.network.name === 'net');
      expect(kept).toMatchObject({
        verdict: 'FAIL',
        latencyUs: net.latencyUs,
        change: { percent: net.change.percent },
      });
      expect(kept.kernelChanges).toHaveLength(net.kernelChanges.length);
    });

    test('a file of an earlier run does as well', async () => {
      const folder = project.repository(models([32, 32, 48, 128]), configuration);
      const answer = await project.report(folder, 1, ['--base', before]);
      expect(answer.results[0]).toMatchObject({ verdict: 'FAIL', base: { latencyUs: expect.any(Number) } });
      const other = path.join(project.root, 'other.json');
      writeFileSync(other, '{"results": 1}');
      expect(await project.check(folder, ['--base', other])).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('other.json'),
      });
    });

    test('of another service only the intervals are known', async () => {
      const { results, ...rest } = JSON.parse(readFileSync(before, 'utf8'));
      const nobody = Buffer.from('Network:01890000-0000-7000-8000-000000000000').toString('base64url');
      const foreign = path.join(project.root, 'foreign.json');
      const renamed = results.map((each: object) => ({ ...each, networkId: nobody }));
      writeFileSync(foreign, JSON.stringify({ ...rest, results: renamed }));
      const answer = await project.report(project.repository(models(WIDTHS), configuration), 3, ['--base', foreign]);
      expect(answer.notes).toEqual([expect.stringContaining('not in this service')]);
      expect(answer.results[0].change.percent).toBe(0);
      expect(answer.results[0].change.upperPercent).toBeGreaterThan(0);
    });

    test('a new network is not compared', async () => {
      const files = { ...models(WIDTHS), 'models/new.onnx': buildNetwork('new', [16]) };
      const answer = await project.report(project.repository(files, configuration), 0, [
        '--base',
        'main',
        '--repository',
        'acme/vision',
      ]);
      expect(answer.notes).toEqual([expect.stringMatching(/not compared: new\.$/)]);
    });

    test('a pull request is compared with its base by itself, and is never a base', async () => {
      const github = {
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        GITHUB_REPOSITORY: 'acme/vision',
        GITHUB_SHA: 'c4',
        GITHUB_HEAD_REF: 'main',
        GITHUB_BASE_REF: 'main',
        GITHUB_REF_NAME: '4/merge',
        GITHUB_RUN_ID: '4',
      };
      // From a fork whose branch is called main, too.
      const slow = await project.report(project.repository(models([32, 32, 48, 128]), configuration), 1, [], github);
      expect(slow).toMatchObject({ base: { commit: 'c1' }, baseBranch: 'main', run: '4/1/' });
      expect(slow.checkId).not.toBeNull();
      const again = await project.report(project.repository(models(WIDTHS), configuration), 0, [], {
        ...github,
        GITHUB_SHA: 'c5',
        GITHUB_RUN_ID: '5',
      });
      expect(again.base.commit).toBe('c1');
    });
  });

  describe('weights', () => {
    const bytes = buildNetwork('secret', [64, 64, 96]);
    /** Parts of the weights, 48 bytes each, in all ways that a request could hold them. */
    const samples = () => {
      const weights = Buffer.from(bytes);
      const starts = Array.from({ length: 64 }, (_, i) => Math.floor(((i + 0.5) * weights.length) / 64));
      return starts.map((start) => weights.subarray(start, start + 48));
    };
    const encodings = (sample: Buffer): (string | Buffer)[] => [
      sample,
      sample.toString('hex'),
      // Base64 of a text that begins at any of three places; its first and last letters depend on the neighbours.
      ...[0, 1, 2].flatMap((shift) => {
        const text = sample.subarray(shift, shift + 45).toString('base64');
        return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
      }),
    ];
    const found = (sent: Buffer) =>
      samples().filter((sample) => encodings(sample).some((each) => sent.includes(each))).length;

    test('never leave the machine', async () => {
      expect(readNetwork(bytes, { name: 'secret' }).ops.length).toBeGreaterThan(0);
      const folder = project.repository({ 'models/secret.onnx': bytes }, { ...ONE, budgets: [{ latency: '1 s' }] });
      project.proxy.takeSent();
      await project.report(folder, 0, recordedRun('w1', 'main'));
      const sent = project.proxy.takeSent();
      // The upload and the verdict did go this way.
      expect(sent.includes('PUT /objects/')).toBe(true);
      expect(sent.includes('recordBudgetCheck')).toBe(true);
      expect(found(sent)).toBe(0);
      expect(sent.length).toBeLessThan(bytes.length / 10);
    });

    test('would have been seen if they did', async () => {
      const folder = project.repository({ 'models/open.onnx': bytes }, { ...ONE, budgets: [{ latency: '1 s' }] });
      project.proxy.takeSent();
      const { status } = await runCommand(
        folder,
        ['network', 'push', '--keep-weights', 'models/open.onnx'],
        project.environment,
      );
      expect(status).toBe(0);
      expect(found(project.proxy.takeSent())).toBe(samples().length);
    });
  });
});
