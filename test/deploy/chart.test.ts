/**
 * The Helm chart: rendered by Helm, valid by the schemas of Kubernetes, closed up, and in agreement with the service: its
 * variables, its health, its metrics.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { readConfig } from '../../src/config';
import { helm, knownVariables, PINNED_IMAGE, pythonModule, ROOT, SECRETS, testWithHelm } from '../testkit/deployment';
import { environmentOf, readDockerfile } from '../testkit/dockerfile';
import { createTemporaryDirectory } from '../testkit/postgres';
import { TestService } from '../testkit/service';

const CHART = path.join(ROOT, 'deploy/helm/fusecast');
const KUBERNETES = '1.33.0';
/** Of operators that bring their own; no schema of Kubernetes knows them. */
const CUSTOM = ['Cluster', 'ServiceMonitor', 'ScaledObject'];

/** Everything that is off, on. */
const EVERYTHING = {
  image: { digest: `sha256:${'a'.repeat(64)}` },
  imagePullSecrets: [{ name: 'registry' }],
  cloudNativePg: { enabled: true, storage: { storageClass: 'fast' } },
  s3: { publicEndpoint: 'https://files.example.com' },
  mail: { secret: { name: 'fusecast-mail' }, from: 'fusecast@example.com' },
  openId: { issuer: 'https://id.example.com', clientId: 'fusecast', secret: { name: 'fusecast-openid' } },
  trustProxy: '10.0.0.0/8',
  tracing: { endpoint: 'http://collector:4318' },
  settings: { FUSECAST_RATE_LIMIT_KEY: '20000' },
  api: { nodeSelector: { disk: 'ssd' }, tolerations: [{ key: 'x', operator: 'Exists' }] },
  worker: { autoscaling: { mode: 'external' }, nodeSelector: { disk: 'ssd' } },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  backup: { bucket: 'fusecast-backups' },
};

// biome-ignore lint/suspicious/noExplicitAny: manifests, whose form the schemas of Kubernetes check below
type Manifest = any;

describe('the Helm chart', () => {
  let scratch: string;
  beforeAll(async () => {
    scratch = await createTemporaryDirectory('chart');
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  function render(values: object): { text: string; manifests: Manifest[] } {
    const file = path.join(scratch, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const { status, stdout, stderr } = helm('template', 'test', CHART, '--kube-version', KUBERNETES, '--values', file);
    if (status !== 0) throw new Error(stderr);
    return {
      text: stdout,
      manifests: parseAllDocuments(stdout)
        .map((document) => document.toJS())
        .filter(Boolean),
    };
  }
  const variants = (): [string, object][] => [
    ['as it is', {}],
    ['with everything', EVERYTHING],
    ['with KEDA', { worker: { autoscaling: { mode: 'keda' } } }],
  ];
  const podsOf = (manifests: Manifest[]): Manifest[] =>
    manifests.flatMap(({ kind, spec }) => {
      if (kind === 'CronJob') return [spec.jobTemplate.spec.template];
      return kind === 'Deployment' || kind === 'Job' ? [spec.template] : [];
    });
  /** The variables of a container, secrets filled in. */
  const environment = ({ env }: Manifest): Record<string, string> =>
    Object.fromEntries(
      env.map(({ name, value }: { name: string; value?: string }) => [name, value ?? SECRETS[name] ?? 'from a field']),
    );

  testWithHelm(
    'is one by Helm and by the schemas of Kubernetes',
    () => {
      const linted = helm('lint', CHART, '--strict', '--kube-version', KUBERNETES);
      expect(linted).toMatchObject({ status: 0 });
      for (const [name, values] of variants()) {
        const { text, manifests } = render(values);
        const file = path.join(scratch, 'rendered.yaml');
        writeFileSync(file, text);
        const checked = pythonModule('kubernetes_validate', '-k', '1.33', '--strict', file);
        const said = checked.stdout + checked.stderr;
        expect({ name, status: checked.status, said }).toMatchObject({ name, status: 0 });
        const custom = manifests.filter(({ kind }) => CUSTOM.includes(kind)).length;
        expect(said.match(/passed for resource/g)).toHaveLength(manifests.length - custom);
        expect(said).not.toMatch(/ERROR/);
      }
    },
    60_000,
  );

  testWithHelm('refuses values that it does not know, and an image that may be any', () => {
    expect(() => render({ api: { replicaCount: 3 } })).toThrow(/replicaCount/);
    expect(() => render({ image: { tag: 'latest' } })).toThrow(/image.tag|tag/);
    expect(() => render({ worker: { autoscaling: { mode: 'magic' } } })).toThrow(/mode/);
  });

  testWithHelm('lets no pod be root, write its image or know a secret that is not referred to', () => {
    for (const [, values] of variants()) {
      const { manifests } = render(values);
      expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
      const selected = manifests
        .filter(({ kind }) => kind === 'NetworkPolicy')
        .map(({ spec }) => spec.podSelector.matchLabels);
      for (const { metadata, spec } of podsOf(manifests)) {
        expect(spec).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 10001 },
        });
        expect(selected).toContainEqual(metadata.labels);
        for (const container of spec.containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          expect(container.image).toMatch(PINNED_IMAGE);
          expect(container.resources).toMatchObject({
            requests: { cpu: expect.any(String) },
            limits: { memory: expect.any(String) },
          });
          for (const { name, value } of container.env)
            if (name in SECRETS) expect({ name, value }).toEqual({ name, value: undefined });
        }
      }
      for (const kind of ['Deployment', 'PodDisruptionBudget'])
        expect(manifests.filter((each) => each.kind === kind)).toHaveLength(2);
    }
  });

  testWithHelm('gives every role variables that the service knows and takes', () => {
    const known = knownVariables();
    for (const [, values] of variants()) {
      const roles: string[] = [];
      for (const { spec } of podsOf(render(values).manifests)) {
        for (const container of spec.containers) {
          const { POD_NAME: _, ...given } = environment(container);
          expect(Object.keys(given).filter((variable) => !known.has(variable))).toEqual([]);
          const config = readConfig(given);
          expect(config).toMatchObject({ database: { kind: 'server' }, objects: { kind: 's3' } });
          roles.push(`${container.name} ${config.role}`);
        }
      }
      expect(roles.filter((role) => !role.startsWith('backup')).sort()).toEqual([
        'api api',
        'migrate all',
        'worker worker',
      ]);
    }
  });

  testWithHelm(
    'asks for health and scales by metrics that the service serves',
    async () => {
      const service = await TestService.start({ config: { operations: { host: '127.0.0.1', port: 0 } } });
      try {
        const stages = readDockerfile(path.join(ROOT, 'deploy/Dockerfile'));
        const metricsPort = Number(environmentOf(stages.at(-1)!).FUSECAST_METRICS_PORT);
        for (const { kind, spec } of render({}).manifests) {
          if (kind !== 'Deployment') continue;
          const [container] = spec.template.spec.containers;
          for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
            const { path: asked, port } = container[probe].httpGet;
            expect((await fetch(`${service.operationsUrl}${asked}`)).status).toBe(200);
            expect(container.ports).toContainEqual({ name: port, containerPort: metricsPort });
          }
        }
        const metrics = await (await fetch(`${service.operationsUrl}/metrics`)).text();
        const external = render(EVERYTHING).manifests.find(
          ({ kind, spec }) => kind === 'HorizontalPodAutoscaler' && spec.metrics[0].external,
        );
        const { name, selector } = external.spec.metrics[0].external.metric;
        expect(metrics).toContain(`${name}{job="${selector.matchLabels.job}"}`);
        const keda = render({ worker: { autoscaling: { mode: 'keda' } } }).manifests.find(
          ({ kind }) => kind === 'ScaledObject',
        );
        expect(keda.spec.triggers[0].metadata.query).toBe(`max(${name}{job="${selector.matchLabels.job}"})`);
      } finally {
        await service.stop();
      }
    },
    60_000,
  );

  testWithHelm('migrates before new replicas start, after the database is there', () => {
    const hook = (values: object) =>
      render(values).manifests.find(({ kind }) => kind === 'Job').metadata.annotations['helm.sh/hook'];
    expect(hook({})).toBe('pre-install,pre-upgrade');
    expect(hook(EVERYTHING)).toBe('post-install,pre-upgrade');
  });
});
