/**
 * Dependencies point one way, there are no cycles, and the engine is pure: it gets bytes and numbers and gives values.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.join(__dirname, '..');
const DOORS = '^src/(main|config|server)\\.ts$';

/** `name`: files of `from` must not import what matches `to`. */
function forbid(name: string, from: string, to: string, except?: string) {
  return {
    name,
    severity: 'error' as const,
    from: { path: from, ...(except && { pathNot: except }) },
    to: { path: to },
  };
}

/** Pure parsers that the engine's formats may use: text or bytes in, values out. */
const PARSERS = 'node_modules/(flatbuffers|jsonc-parser|fastest-levenshtein|zod)/';

const RULES = {
  forbidden: [
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    forbid('the engine imports nothing of the service', '^src/engine/', '^src/(?!engine/)'),
    forbid(
      'only session.ts imports onnxruntime-node',
      '^src/',
      'node_modules/onnxruntime',
      '^src/engine/session\\.ts$',
    ),
    {
      name: 'the engine imports no package but pure parsers',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: '^src/engine/session\\.ts$' },
      to: { path: 'node_modules/', pathNot: PARSERS },
    },
    forbid('files are parsed in formats', '^src/engine/(?!formats/)', PARSERS),
    forbid(
      'the schema knows tables and types only',
      '^src/schema/',
      '^src/(?!schema/|errors\\.ts$|engine/index\\.ts$)',
    ),
    forbid('the object store knows no team', '^src/storage/', '^src/(?!storage/)'),
    forbid('tenancy stands on schema and errors', '^src/tenancy\\.ts$', '^src/(?!schema/|(errors|observation)\\.ts$)'),
    forbid('the audit log knows no noun', '^src/audit\\.ts$', '^src/(?!schema/(audit-entry|node)\\.ts$|tenancy\\.ts$)'),
    forbid(
      'jobs know no job',
      '^src/(jobs|job-leases)\\.ts$',
      '^src/(?!(notifications|job-leases|tracing|errors)\\.ts$)',
    ),
    forbid(
      'the worker knows no job',
      '^src/worker\\.ts$',
      '^src/(?!(jobs|job-leases|notifications|metrics|tracing|errors)\\.ts$)',
    ),
    forbid('metrics and traces know nothing of the service', '^src/(metrics|tracing)\\.ts$', '^src/'),
    forbid(
      'serving knows no team',
      '^src/serving\\.ts$',
      '^src/(?!engine/index\\.ts$|schema/|observation\\.ts$|storage/object-store\\.ts$)',
    ),
    forbid(
      'resolvers stand on what is below them',
      '^src/resolvers/',
      '^src/(?!resolvers/|schema/|engine/index\\.ts$|(authentication|credentials|passwords|one-time-codes|sealing|sign-in-attempts|drift|measured-profile|quarantine)\\.ts$|tenancy\\.ts$|audit\\.ts$|quotas\\.ts$|errors\\.ts$|serving\\.ts$|notifications\\.ts$|jobs\\.ts$|storage/object-store\\.ts$)',
    ),
    forbid(
      'nothing imports the server or the composition root',
      '^src/(?!cli/|main\\.ts$)',
      DOORS.replace('|config', ''),
    ),
    forbid('only the roots read the configuration', '^src/(?!cli/|(main|infrastructure)\\.ts$)', '^src/config\\.ts$'),
    forbid('only the roots open what the service stands on', '^src/(?!cli/|main\\.ts$)', '^src/infrastructure\\.ts$'),
    forbid('a backup knows tables and objects, and no noun', '^src/backup/', '^src/(?!backup/|storage/)'),
    forbid('nothing imports the command line', '^src/(?!cli/)', '^src/cli/'),
  ],
};

/** What we read of dependency-cruiser's answer; its own types are those of an ES module. */
interface Cruise {
  readonly modules: readonly { source: string; dependencies: readonly { module: string }[] }[];
  readonly summary: {
    violations: readonly { rule: { name: string }; from: string; to: string; cycle?: readonly { name: string }[] }[];
  };
}

/** All TypeScript files below a directory. */
function filesBelow(directory: string): string[] {
  return readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.join(directory, file));
}

/** Every identifier of a file that names something outside of it, and every property that is read of one: `process.env`. */
function globalsOf(file: string): Set<string> {
  const source = ts.createSourceFile(file, readFileSync(path.join(ROOT, file), 'utf8'), ts.ScriptTarget.ES2023, true);
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) found.add(`${node.expression.getText()}.${node.name.text}`);
    const isName = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (ts.isIdentifier(node) && !isName && !ts.isPropertyAssignment(node.parent)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return found;
}

/** What imports what, and which rules that breaks. dependency-cruiser is an ES module, so it runs as a command. */
function cruise(): Cruise {
  const directory = mkdtempSync(path.join(tmpdir(), 'fusecast-architecture-'));
  try {
    const config = path.join(directory, 'rules.json');
    writeFileSync(
      config,
      JSON.stringify({ ...RULES, options: { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } } }),
    );
    const program = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const args = [program, 'src', '--config', config, '--output-type', 'json'];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    });
    if (!stdout) throw new Error(stderr);
    return JSON.parse(stdout);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('architecture', () => {
  let result: Cruise;
  beforeAll(() => {
    result = cruise();
  }, 120_000);

  test('dependencies point one way', () => {
    expect(result.modules.length).toBeGreaterThan(100);
    const violations = result.summary.violations.map(({ rule, from, to, cycle }) =>
      [`${rule.name}: ${from}`, ...(cycle?.map(({ name }) => name) ?? [to])].join(' -> '),
    );
    expect(violations).toEqual([]);
  });

  test('the engine has no built-in module, clock, environment, network or log', () => {
    const builtins = new Set(builtinModules);
    for (const { source, dependencies } of result.modules.filter(({ source }) => source.startsWith('src/engine/'))) {
      const used = dependencies
        .map(({ module }) => module.replace(/^node:/, ''))
        .filter((module) => builtins.has(module));
      expect({ source, used }).toEqual({ source, used: [] });
    }
    const impure = ['process', 'fetch', 'console', 'require', 'Date', 'performance', 'setTimeout', 'Math.random'];
    for (const file of filesBelow('src/engine')) {
      const globals = globalsOf(file);
      expect({ file, impure: impure.filter((name) => globals.has(name)) }).toEqual({ file, impure: [] });
    }
  });

  test('config.ts alone reads the environment', () => {
    const readers = filesBelow('src').filter((file) => globalsOf(file).has('process.env'));
    expect(readers).toEqual(['src/config.ts']);
  });
});
