/**
 * The GitHub action and the GitLab template in deploy/ci: valid by the schemas of their systems, and run as those run them:
 * the scripts themselves, in a shell, with the variables that the system gives, against a service.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { buildNetwork, builtCommand, CheckedProject, SCENARIOS, WIDTHS } from '../testkit/check-project';

const ROOT = path.resolve(__dirname, '../..');
const ACTION = path.join(ROOT, 'deploy/ci/github/action.yml');
const TEMPLATE = path.join(ROOT, 'deploy/ci/gitlab/fusecast.gitlab-ci.yml');

const python = path.join(process.env.FUSECAST_CACHE ?? path.join(os.homedir(), '.cache/fusecast'), 'python/bin/python');
const testWithPython = existsSync(python) || process.env.CI === 'true' ? test : test.skip;

/** What check-jsonschema says of a file; its wheel brings the schemas. */
function lint(schema: string, file: string, ...more: string[]): { status: number | null; stdout: string } {
  const parameters = ['-m', 'check_jsonschema', '--builtin-schema', schema, ...more, file];
  const { status, stdout, stderr } = spawnSync(python, parameters, { encoding: 'utf8' });
  return { status, stdout: stdout + stderr };
}

interface Step {
  readonly name: string;
  readonly id?: string;
  readonly shell: string;
  readonly env?: Record<string, string>;
  readonly run: string;
}

/** Values of `${{ ... }}` that the action may use; another is a mistake of the action or of this test. */
function expand(text: string, values: Record<string, string>): string {
  return text.replace(/\$\{\{ *([\w.-]+) *\}\}/g, (_all, name: string) => {
    if (!(name in values)) throw new Error(`The expression ${name} has no value.`);
    return values[name];
  });
}

interface Ran {
  readonly status: number;
  readonly output: string;
}

/** Runs a script file; the service in this process must be able to answer meanwhile. */
function shell(program: string, parameters: readonly string[], cwd: string, env: Record<string, string>): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, parameters, { cwd, env: { ...clean(), ...env } }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

/** The environment without what a CI system that runs this test says of itself. */
function clean(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(CI|GITHUB|GITLAB|RUNNER|FUSECAST)/.test(name)),
  );
}

describe('templates', () => {
  testWithPython.each([
    ['the GitHub action', 'vendor.github-actions', ACTION, []],
    ['the GitLab template', 'vendor.gitlab-ci', TEMPLATE, ['--data-transform', 'gitlab-ci']],
  ])('%s is what its system takes', (_what, schema, file, more) => {
    expect(lint(schema, file, ...more)).toMatchObject({ status: 0 });
    const wrong = path.join(os.tmpdir(), `fusecast-wrong-${process.pid}.yml`);
    writeFileSync(wrong, readFileSync(file, 'utf8').replace(/^( *)(script|shell):/gm, '$1$2s:'));
    expect(lint(schema, wrong, ...more)).toMatchObject({ status: 1 });
  });

  test('no input of the action stands in a script, where it would be run', () => {
    const { steps } = parse(readFileSync(ACTION, 'utf8')).runs as { steps: Step[] };
    for (const { run, shell: name } of steps) {
      expect(name).toBe('bash');
      expect(run).not.toContain('${{');
      execFileSync('bash', ['-n', '-c', run]);
    }
  });

  describe('with a service', () => {
    let project: CheckedProject;
    let command: string;
    beforeAll(async () => {
      command = builtCommand();
      project = await CheckedProject.start(1);
    }, 240_000);
    afterAll(() => project?.stop());

    const repository = (latency: string): string =>
      project.repository(
        { 'models/net.onnx': buildNetwork('net', WIDTHS) },
        { networks: ['models/*.onnx'], scenarios: [SCENARIOS[0]], budgets: [{ latency, regression: '+5 %' }] },
      );

    /** Every step of the action, as a runner does them: until one fails. */
    async function runAction(folder: string, given: Record<string, string>, variables: Record<string, string>) {
      const { inputs, runs } = parse(readFileSync(ACTION, 'utf8')) as {
        inputs: Record<string, { required?: boolean; default?: string }>;
        runs: { steps: Step[] };
      };
      const values: Record<string, string> = { 'github.action_path': path.dirname(ACTION) };
      for (const [name, input] of Object.entries(inputs)) {
        const value = given[name] ?? input.default;
        if (value === undefined) throw new Error(`The input ${name} is required.`);
        values[`inputs.${name}`] = value;
      }
      const temporary = path.join(folder, '.runner');
      mkdirSync(temporary);
      const [summary, outputs] = ['summary.md', 'output'].map((name) => path.join(temporary, name));
      for (const file of [summary, outputs]) writeFileSync(file, '');
      let ran: Ran = { status: 0, output: '' };
      for (const [i, { run, env = {} }] of runs.steps.entries()) {
        const script = path.join(temporary, `step-${i}.sh`);
        writeFileSync(script, run);
        const expanded = Object.entries(env).map(([name, value]) => [name, expand(value, values)]);
        // The options that GitHub gives bash.
        ran = await shell('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', script], folder, {
          CI: 'true',
          GITHUB_ACTIONS: 'true',
          GITHUB_STEP_SUMMARY: summary,
          GITHUB_OUTPUT: outputs,
          RUNNER_TEMP: temporary,
          GITHUB_REPOSITORY: 'acme/action',
          GITHUB_RUN_ID: '7',
          GITHUB_SERVER_URL: 'https://github.com',
          ...variables,
          ...Object.fromEntries(expanded),
        });
        if (ran.status !== 0) break;
      }
      const lines = readFileSync(outputs, 'utf8').trim().split('\n');
      const said = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
      return { ...ran, summary: readFileSync(summary, 'utf8'), outputs: said };
    }

    const inputs = () => ({ url: project.proxy.url, 'api-key': project.team.key });

    test('the action passes on main, keeps the run, and a pull request is compared with it', async () => {
      const main = { GITHUB_SHA: 'a1', GITHUB_REF_NAME: 'main' };
      const passed = await runAction(repository('10 s'), inputs(), main);
      expect(passed).toMatchObject({ status: 0, outputs: { 'exit-code': '0' } });
      expect(passed.summary).toMatch(/## Latency: PASS: 1 passed/);
      expect(readFileSync(passed.outputs.junit, 'utf8')).toContain('<testsuites');
      expect(JSON.parse(readFileSync(passed.outputs.sarif, 'utf8')).version).toBe('2.1.0');
      const pull = { GITHUB_SHA: 'a2', GITHUB_REF_NAME: '7/merge', GITHUB_HEAD_REF: 'topic', GITHUB_BASE_REF: 'main' };
      const failed = await runAction(repository('1 us'), inputs(), pull);
      expect(failed).toMatchObject({ status: 1, outputs: { 'exit-code': '1' } });
      expect(failed.summary).toMatch(/compared with main \\\(a1\\\)/);
      expect(failed.output).toMatch(/^::error file=fusecast\.yaml,line=\d+/m);
      const { budgetChecks } = await project.team.client.query(
        '{ budgetChecks(filter: { repository: "acme/action" }) { edges { node { commit branch baseBranch verdict url } } } }',
      );
      const url = 'https://github.com/acme/action/actions/runs/7';
      expect(budgetChecks.edges.map(({ node }: { node: object }) => node)).toEqual([
        { commit: 'a2', branch: 'topic', baseBranch: 'main', verdict: 'FAIL', url },
        { commit: 'a1', branch: 'main', baseBranch: null, verdict: 'PASS', url },
      ]);
    });

    test('what stands in an input is never run', async () => {
      const folder = repository('10 s');
      const hostile = '$(touch run-1) `touch run-2`; touch run-3 #"; touch run-4';
      const { status, output } = await runAction(folder, { ...inputs(), config: hostile }, { GITHUB_SHA: 'b1' });
      expect(status).toBe(2);
      expect(output).toContain(hostile);
      for (const i of [1, 2, 3, 4]) expect(existsSync(path.join(folder, `run-${i}`))).toBe(false);
    });

    test('the action can be told not to keep a run', async () => {
      const { status } = await runAction(
        repository('10 s'),
        { ...inputs(), record: 'false' },
        { GITHUB_SHA: 'c1', GITHUB_REF_NAME: 'main' },
      );
      expect(status).toBe(0);
      const found = await project.team.client.query(
        '{ budgetChecks(filter: { commit: "c1" }) { edges { node { id } } } }',
      );
      expect(found.budgetChecks.edges).toEqual([]);
    });

    /** The script of the job as GitLab's shell runs it: line by line, until one fails. */
    function runJob(folder: string, variables: Record<string, string>): Promise<Ran> {
      const job = parse(readFileSync(TEMPLATE, 'utf8'))['fusecast-check'] as {
        variables: Record<string, string>;
        script: string[];
      };
      return shell('sh', ['-e', '-c', job.script.join('\n')], folder, {
        ...job.variables,
        FUSECAST_COMMAND: `node ${command}`,
        FUSECAST_URL: project.proxy.url,
        FUSECAST_API_KEY: project.team.key,
        CI: 'true',
        GITLAB_CI: 'true',
        CI_PROJECT_PATH: 'acme/group/template',
        CI_COMMIT_REF_NAME: 'main',
        ...variables,
      });
    }

    test('the template passes on main, and a merge request is compared with it', async () => {
      const passing = repository('10 s');
      const passed = await runJob(passing, { CI_COMMIT_SHA: 'd1', CI_JOB_ID: '1' });
      expect(passed).toMatchObject({ status: 0, output: expect.stringMatching(/^PASS: 1 passed$/m) });
      const merge = {
        CI_COMMIT_SHA: 'd2',
        CI_JOB_ID: '2',
        CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'topic',
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
      };
      const folder = repository('1 us');
      const failed = await runJob(folder, merge);
      expect(failed.output).toMatch(/compared with main \(d1\)/);
      expect(failed.status).toBe(1);
      const { artifacts } = parse(readFileSync(TEMPLATE, 'utf8'))['fusecast-check'];
      expect(readFileSync(path.join(folder, artifacts.reports.junit), 'utf8')).toMatch(/failures="1"/);
      for (const name of ['check.md', 'check.sarif']) {
        expect(existsSync(path.join(folder, artifacts.paths[0], name))).toBe(true);
      }
    });

    test('an inconclusive verdict is what the template lets pass with a warning', async () => {
      const { stdout } = await project.check(repository('10 s'), ['--json']);
      const [{ latencyUs }] = JSON.parse(stdout).results;
      const { status } = await runJob(repository(`${latencyUs} us`), { CI_COMMIT_SHA: 'e1', CI_JOB_ID: '3' });
      const { allow_failure: allowed } = parse(readFileSync(TEMPLATE, 'utf8'))['fusecast-check'];
      expect(status).toBe(allowed.exit_codes);
    });
  });
});
