/**
 * Which repository, branch and commit a check is of: what options say, else what the CI system says, else what git says.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { Environment } from '../../config';

/** What is known of the run; a check is recorded where repository, branch and commit are. */
export interface Pipeline {
  readonly isContinuousIntegration: boolean;
  /** `owner/name` */
  readonly repository?: string;
  /** Of a pull request, its own. */
  readonly branch?: string;
  /** What a pull request is to be merged into. */
  readonly baseBranch?: string;
  readonly commit?: string;
  /** Another one whenever a job runs again. */
  readonly run: string;
  readonly url?: string;
}

export type PipelineOptions = Partial<Pick<Pipeline, 'repository' | 'branch' | 'commit' | 'run'>>;

type Known = Partial<Omit<Pipeline, 'isContinuousIntegration'>>;

/** What GitHub Actions and GitLab CI say of the run; of another CI system only that it is one (`CI`). */
function describeByVariables({ GITHUB_ACTIONS, GITLAB_CI, ...given }: Environment): Known | undefined {
  if (GITHUB_ACTIONS === 'true') {
    const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = given;
    return {
      repository,
      // Of a pull request GITHUB_REF_NAME is `7/merge`.
      branch: given.GITHUB_HEAD_REF ?? given.GITHUB_REF_NAME,
      baseBranch: given.GITHUB_BASE_REF,
      commit: given.GITHUB_SHA,
      run: run && [run, given.GITHUB_RUN_ATTEMPT ?? '1', given.GITHUB_JOB ?? ''].join('/'),
      url: server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined,
    };
  }
  if (GITLAB_CI !== 'true') return undefined;
  return {
    repository: given.CI_PROJECT_PATH,
    branch: given.CI_MERGE_REQUEST_SOURCE_BRANCH_NAME ?? given.CI_COMMIT_REF_NAME,
    baseBranch: given.CI_MERGE_REQUEST_TARGET_BRANCH_NAME,
    commit: given.CI_COMMIT_SHA,
    run: given.CI_JOB_ID,
    url: given.CI_JOB_URL,
  };
}

const execute = promisify(execFile);

/** What git answers in a folder; nothing outside of a repository, or without git. */
async function git(folder: string, ...parameters: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await execute('git', parameters, { cwd: folder });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** `owner/name` in the URL of a remote, with GitLab's subgroups where there are any. */
export function repositoryOf(remote: string): string | undefined {
  const [, path] = /^(?:[a-z+]+:\/\/[^/]+\/|[^/:]+:)(.+?)(?:\.git)?\/*$/.exec(remote) ?? [];
  return path?.includes('/') ? path.replace(/^\/+/, '') : undefined;
}

async function describeByGit(folder: string): Promise<Known> {
  const [commit, branch, remote] = await Promise.all([
    git(folder, 'rev-parse', 'HEAD'),
    git(folder, 'symbolic-ref', '--short', 'HEAD'),
    git(folder, 'remote', 'get-url', 'origin'),
  ]);
  return { commit, branch, repository: remote && repositoryOf(remote) };
}

/**
 * @param folder the configuration's
 * @param options what was said on the command line, or in the configuration
 */
export async function describePipeline(
  folder: string,
  variables: Environment,
  { repository, branch, commit, run }: PipelineOptions,
): Promise<Pipeline> {
  // Of a CI system that says it, git is not asked: its work tree has a commit without a branch.
  const byVariables = describeByVariables(variables);
  const known = byVariables ?? (await describeByGit(folder));
  return {
    ...known,
    isContinuousIntegration: byVariables !== undefined || variables.CI === 'true',
    repository: repository ?? known.repository,
    branch: branch ?? known.branch,
    commit: commit ?? known.commit,
    run: run ?? known.run ?? randomUUID(),
  };
}
