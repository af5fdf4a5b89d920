/** What an operator sees: metrics, health of every role, traces; and that the dashboard and the alerts ask for what there is. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { parse } from 'yaml';
import { type ApiClient, type Data, until } from '../testkit/client';
import { fillTeam } from '../testkit/filled-team';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';
import { ServiceProcess } from '../testkit/service-process';

/** What is used of it; its own types are those of an ES module. */
interface PromqlParser {
  parse(text: string): {
    iterate(visit: {
      enter(node: { name: string; from: number; to: number; node: { parent: { name: string } | null } }): void;
    }): void;
  };
}
const { parser }: { parser: PromqlParser } = require('@prometheus-io/lezer-promql');

const FILES = path.join(__dirname, '../../deploy/observability');
const PREDICT = 'mutation ($input: PredictInput!) { predict(input: $input) { predictions { id } } }';

/** Every PromQL expression of the dashboard and the alerts, by where it stands. */
function expressions(): [string, string][] {
  const dashboard: Data = JSON.parse(readFileSync(path.join(FILES, 'dashboard.json'), 'utf8'));
  const alerts: Data = parse(readFileSync(path.join(FILES, 'alerts.yaml'), 'utf8'));
  return [
    ...dashboard.panels.flatMap(({ title, targets = [] }: Data) => targets.map(({ expr }: Data) => [title, expr])),
    ...alerts.groups.flatMap(({ rules }: Data) => rules.map(({ alert, expr }: Data) => [alert, expr])),
  ];
}

/** Metrics that an expression asks for, each with the labels that it matches or groups by; throws if it is no PromQL. */
function asked(expression: string): { metric: string; label?: string }[] {
  // Grafana puts a duration there.
  const text = expression.replaceAll('$__rate_interval', '5m');
  const found: { metric: string; label?: string }[] = [];
  const labels: string[] = [];
  parser.parse(text).iterate({
    enter: ({ name, from, to, node }) => {
      if (name === '⚠') throw new Error(`No PromQL: ${expression}`);
      const word = text.slice(from, to);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') found.push({ metric: word });
      if (name === 'LabelName') labels.push(word);
    },
  });
  // Prometheus itself adds `instance`; `le` is every histogram's.
  for (const label of labels.filter((each) => each !== 'instance' && each !== 'le')) {
    for (const metric of new Set(found.map((each) => each.metric))) found.push({ metric, label });
  }
  return found;
}

describe('metrics', () => {
  let service: TestService;
  let team: TestTeam;
  let ids: Readonly<Record<string, string>>;
  beforeAll(async () => {
    service = await TestService.start({ config: { operations: { host: '127.0.0.1', port: 0 } } });
    team = await service.createTeam();
    ({ ids } = await fillTeam(team));
  }, 120_000);
  afterAll(() => service?.stop());

  const scrape = async (): Promise<string[]> =>
    (await (await fetch(`${service.operationsUrl}/metrics`)).text()).split('\n');

  /** The value of a sample: its line begins so. */
  const sample = async (begin: string): Promise<number> =>
    Number(
      (await scrape())
        .find((line) => line.startsWith(`${begin} `))
        ?.split(' ')
        .at(-1) ?? Number.NaN,
    );

  test('count predictions, cache hits, requests by root field and outcome', async () => {
    const before = await sample('fusecast_requests_total{operation="predict",outcome="ok"}');
    const hits = await sample('fusecast_cache_lookups_total{cache="predictors",result="hit"}');
    const input = { networkIds: [ids.Network], versionIds: [ids.PredictorVersion] };
    for (let i = 0; i < 3; i++) await team.client.query(PREDICT, { input });
    expect(await sample('fusecast_requests_total{operation="predict",outcome="ok"}')).toBe(before + 3);
    expect(await sample('fusecast_cache_lookups_total{cache="predictors",result="hit"}')).toBe((hits || 0) + 3);
    expect(await sample('fusecast_prediction_seconds_count')).toBeGreaterThanOrEqual(4);
    expect(await sample('fusecast_training_seconds_count{learner="lasso"}')).toBe(1);
    expect(await sample('fusecast_jobs_total{job="trainPredictor",outcome="done"}')).toBe(1);
  });

  test('have no label of a client: not its aliases, fields that there are not, operation names', async () => {
    const queries = [
      'query Mine { alias1: networks { edges { node { id } } } }',
      '{ nothing1 }',
      '{',
      'query { networks { x1 } }',
    ];
    for (const query of queries) await team.client.answer(query);
    await service.anonymous.answer('{ networks { edges { node { id } } } }');
    const lines = (await scrape()).filter((line) => line.startsWith('fusecast_requests_total{'));
    expect(lines.join('\n')).not.toMatch(/Mine|alias1|nothing1|x1/);
    expect(await sample('fusecast_requests_total{operation="networks",outcome="UNAUTHENTICATED"}')).toBe(1);
    expect(await sample('fusecast_requests_total{operation="invalid",outcome="BAD_INPUT"}')).toBeGreaterThanOrEqual(3);
  });

  test('tell how long the queues are, and how old', async () => {
    await withDatabase(service.database.superuserUrl, (client) =>
      client.query(
        "INSERT INTO pgboss.job (name, data, start_after, state) VALUES ('sendInvitation', '{}', now() - interval '100 s', 'active')",
      ),
    );
    expect(await sample('fusecast_queue_running{job="sendInvitation"}')).toBe(1);
    expect(await sample('fusecast_queue_waiting{job="trainPredictor"}')).toBe(0);
    expect(await sample('fusecast_queue_age_seconds{job="trainPredictor"}')).toBe(0);
  });

  test.each(expressions())('of "%s" exist, with these labels: %s', async (_where, expression) => {
    const lines = await scrape();
    const typed = new Map(
      lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ').slice(2) as [string, string]),
    );
    const wanted = asked(expression);
    expect(wanted.length).toBeGreaterThan(0);
    for (const { metric, label } of wanted) {
      const name = typed.has(metric) ? metric : metric.replace(/_(bucket|count|sum)$/, '');
      expect(typed.has(name)).toBe(true);
      const samples = lines.filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
      // Errors and recoveries that there were none of have no sample; their labels are in metrics.ts.
      if (label && samples.length > 0)
        expect({ expression, samples: samples.some((line) => line.includes(`${label}="`)) }).toEqual({
          expression,
          samples: true,
        });
    }
  });

  test('are not served where people and keys are', async () => {
    for (const where of ['/metrics', '/health']) {
      expect((await fetch(`${service.anonymous.url}${where}`)).status).toBe(404);
    }
  });
});

describe('a worker', () => {
  test('is live and ready, and says so', async () => {
    const api = await TestService.start({ role: 'api' });
    const worker = await TestService.start({
      sharedWith: api,
      role: 'worker',
      config: { operations: { host: '127.0.0.1', port: 0 } },
    });
    try {
      for (const state of ['live', 'ready']) {
        const answer = await fetch(`${worker.operationsUrl}/health/${state}`);
        expect([answer.status, await answer.json()]).toEqual([200, { status: state }]);
      }
    } finally {
      await worker.pause();
      await api.stop();
    }
  });
});

describe('traces', () => {
  const spans: Data[] = [];
  let collector: Server;
  let api: TestService;
  let traced: ServiceProcess;

  beforeAll(async () => {
    collector = createServer(async (request, response) => {
      const body = (await json(request)) as Data;
      for (const { resource, scopeSpans } of body.resourceSpans) {
        for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ ...span, resource });
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    // Its people and teams; the requests go to the process that is traced.
    api = await TestService.start({ role: 'api' });
    traced = await ServiceProcess.start({
      DATABASE_URL: api.database.url,
      FUSECAST_DATA: api.directory,
      FUSECAST_SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    });
  }, 60_000);
  afterAll(async () => {
    await traced?.stop();
    await api?.stop();
    collector?.close();
    collector?.closeAllConnections();
  });

  test('go from a request through its job, and continue the trace of the client', async () => {
    const team = await api.createTeam();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const headers = { authorization: `Bearer ${team.key}`, traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    const client = Object.assign(Object.create(traced.anonymous), { headers }) as ApiClient;
    const rows = Buffer.from('network,scenario,latencyUs\na,tflite/phone/gpu/float,1\n');
    expect((await client.createDataset('profile.csv', rows)).status).toBe('READY');
    const names = () => spans.filter((span) => span.traceId === traceId).map(({ name }) => name as string);
    const wanted = ['graphql createDataset', 'job ingestDataset', 'transaction', 'store head', 'store get'];
    await until(
      async () => names(),
      (seen) => wanted.every((name) => seen.includes(name)),
    );
    const job = spans.find(({ name }) => name === 'job ingestDataset');
    const ancestors: string[] = [];
    for (let at = job; at; at = spans.find(({ spanId }) => spanId === at.parentSpanId)) ancestors.push(at.name);
    expect(ancestors).toContain('graphql createDataset');
    const line = traced.log
      .split('\n')
      .find((each) => each.includes('"job":"ingestDataset"') && each.includes('job done'))!;
    const request = spans.find(({ name }) => name === 'graphql createDataset')!;
    const requestId = request.attributes.find(({ key }: Data) => key === 'fusecast.request.id').value.stringValue;
    expect(JSON.parse(line)).toMatchObject({ requestId, jobId: expect.any(String), datasetId: expect.any(String) });
  }, 60_000);
});
