/**
 * HTTP: GraphQL over POST, subscriptions as server-sent events, health, the object routes of a directory store, and the
 * form of errors. Must not know how the parts it is given are made (main.ts), or any noun.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import cookies from '@fastify/cookie';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import {
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type { RequestParams } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/fastify';
import type { Logger } from 'pino';
import { authenticate } from './authentication';
import { Dashboard } from './dashboard';
import { CodedError, type ErrorCode, RateLimitedError, toCodedError } from './errors';
import { answerBrokenRequest, limitBodyTime, securityHeaders } from './http-limits';
import { observeRequests } from './observation';
import {
  checkPersisted,
  checkTexts,
  createQueryLimits,
  PARSE_OPTIONS,
  type PersistedQueries,
  readOnlyCache,
} from './query-limits';
import type { RequestRates } from './rate-limits';
import type { RequestContext, Services } from './resolvers';
import { clearSessionCookie, readSessionCookie, setSessionCookie } from './session-cookie';
import { SIGN_IN_PATH, type SingleSignOnOptions, singleSignOnRoutes } from './single-sign-on';
import { DirectoryObjectStore } from './storage/directory';
import { directoryStoreRoutes } from './storage/directory-routes';
import type { Session } from './tenancy';
import { continuedTrace, currentRequestId, inRequest, inSpan } from './tracing';

/** GraphQL requests are small: bytes of files go to the object store. */
const MAXIMUM_BODY_BYTES = 1024 * 1024;
/** Of any request as a whole. The longest is an upload into a directory store, whose URL lives as long. */
const REQUEST_TIMEOUT_MS = 15 * 60_000;
/** How long an open request may go on when the service stops. */
const DRAIN_MS = 10_000;

export interface ServerOptions extends Services {
  readonly schema: GraphQLSchema;
  /** True where browsers reach the service by https. */
  readonly secureCookies: boolean;
  /** Where there is an OpenID Connect provider. */
  readonly singleSignOn?: Pick<SingleSignOnOptions, 'issuer' | 'clientId' | 'clientSecret' | 'publicUrl'>;
  readonly log: Logger;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Addresses of the proxies, whose headers say where a request came from; absent: there is none. */
  readonly trustProxy?: string;
  /** Other origins that the dashboard sends requests to: the object store. */
  readonly connectSources: readonly string[];
  /** How long the body of a GraphQL request may take to arrive. */
  readonly bodySeconds: number;
  readonly introspection: boolean;
  readonly persistedQueries?: PersistedQueries;
  readonly rates: RequestRates;
  /** Where the built dashboard is, if it is. */
  readonly dashboardDirectory?: string;
  /** Rejects while something that requests need does not answer. */
  readonly checkReadiness: () => Promise<void>;
}

export interface RunningServer {
  /** `http://host:port` that it listens on. */
  readonly url: string;
  /** Answers what has begun, takes nothing new, ends subscriptions. */
  stop(): Promise<void>;
}

/** HTTP statuses of errors outside of GraphQL's own answers; 400 for all others. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  NOT_FOUND: 404,
  TOO_LARGE: 413,
  RATE_LIMITED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
};

/** What a client sees of any error: coded, with the id of its request, and nothing of our insides. */
class ErrorForm {
  constructor(
    private readonly log: Logger,
    private readonly schemaIsPublic: boolean,
  ) {}

  format(error: unknown, shown?: GraphQLFormattedError): GraphQLFormattedError {
    const cause = unwrapResolverError(error);
    const coded = toCodedError(cause, shown?.extensions?.code);
    const requestId = currentRequestId();
    if (coded.code === 'INTERNAL' || coded.code === 'UNAVAILABLE') {
      this.log.error({ err: coded.originalError ?? cause, requestId, path: shown?.path }, 'a request failed');
    }
    const { code, message, where, remedy } = coded;
    return {
      // A suggestion helps, and tells of the schema.
      message: this.schemaIsPublic ? message : message.replace(/ Did you mean .*\?$/, ''),
      locations: shown?.locations,
      path: shown?.path,
      extensions: { code, where, remedy, requestId },
    };
  }

  formatAll(errors: readonly GraphQLError[]): GraphQLError[] {
    // graphql-sse writes errors as JSON, so the formatted ones do as well as instances.
    return errors.map((error) => this.format(error, error.toJSON()) as GraphQLError);
  }
}

/** Starts listening. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { log, schema } = options;
  const errors = new ErrorForm(log, options.introspection);
  const limits = createQueryLimits(options);
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // Logged below instead: the URL of a signed request is a secret.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: MAXIMUM_BODY_BYTES,
    trustProxy: options.trustProxy ?? false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    frameworkErrors: (error, request, reply) =>
      inRequest(request.id, () => void sendErrors(reply, 400, [errors.format(fromHttp(error))])),
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket),
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    const attributes = { 'http.request.method': request.method, 'fusecast.request.id': request.id };
    const answered = once(reply.raw, 'close').catch(() => {});
    const handle = async () => {
      done();
      await answered;
    };
    const span = { kind: 'SERVER', parent: continuedTrace(request.headers) } as const;
    void inRequest(request.id, () => inSpan(`${request.method} ${request.routeOptions.url}`, attributes, handle, span));
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, id } = request;
    const path = request.url.split('?', 1)[0];
    log.info({ requestId: id, method, path, status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) });
    done();
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const coded = fromHttp(error);
    if (coded instanceof RateLimitedError) reply.header('retry-after', coded.retryAfterSeconds);
    // Fastify would hang up on what is left of the body, and with it on the client that has not read the answer yet.
    if (error.statusCode === 413) reply.removeHeader('connection');
    return sendErrors(reply, error.statusCode ?? STATUS[coded.code] ?? 400, [errors.format(coded)]);
  });
  const notFound = (request: FastifyRequest, reply: FastifyReply) =>
    sendErrors(reply, 404, [
      errors.format(new CodedError('NOT_FOUND', `There is no ${request.method} ${request.url.split('?', 1)[0]}.`)),
    ]);
  const { dashboardDirectory } = options;
  const dashboard = dashboardDirectory
    ? Dashboard.open(dashboardDirectory, options.singleSignOn && SIGN_IN_PATH)
    : undefined;
  app.setNotFoundHandler((request, reply) =>
    dashboard?.isPage(request) ? dashboard.send(reply) : notFound(request, reply),
  );

  await app.register(helmet, securityHeaders(options.secureCookies, options.connectSources));
  await app.register(cookies);
  await dashboard?.register(app);
  const { secureCookies } = options;

  // Who asks, and whether that is too often, is known before a body is read.
  const sessions = new WeakMap<FastifyRequest, Session>();
  const admit = async (request: FastifyRequest, reply: FastifyReply) => {
    const { authorization, 'fusecast-team': team, 'user-agent': userAgent } = request.headers;
    const { session, renewed } = await authenticate(options.tenancy, {
      authorization,
      cookie: readSessionCookie(request, secureCookies),
      team: Array.isArray(team) ? team[0] : team,
      // The reply of a subscription is hijacked: its cookie is renewed by the next request.
      renews: request.routeOptions.url === '/graphql',
    });
    const origin = { requestId: request.id, address: request.ip, userAgent: userAgent?.slice(0, 300) };
    const from: Session = { ...session, origin };
    await options.rates.count(from);
    if (renewed) setSessionCookie(reply, secureCookies, renewed);
    sessions.set(request, from);
  };
  const hooks = { onRequest: admit, preParsing: limitBodyTime(options.bodySeconds) };

  const context = async (request: FastifyRequest, reply?: FastifyReply): Promise<RequestContext> => {
    const { tenancy, store, serving, notifications, attempts, sealing } = options;
    return {
      session: sessions.get(request)!,
      requestId: request.id,
      loaders: new Map(),
      sessionCookie: {
        set: (opened) => void (reply && setSessionCookie(reply, secureCookies, opened)),
        clear: () => void (reply && clearSessionCookie(reply, secureCookies)),
      },
      tenancy,
      store,
      serving,
      notifications,
      attempts,
      sealing,
    };
  };

  const apollo = new ApolloServer<RequestContext>({
    schema,
    csrfPrevention: true,
    persistedQueries: options.persistedQueries ? { cache: readOnlyCache(options.persistedQueries) } : false,
    // Where it is off, a validation rule refuses it, in subscriptions too.
    introspection: true,
    // Whatever NODE_ENV says.
    includeStacktraceInErrorResponses: false,
    parseOptions: PARSE_OPTIONS,
    validationRules: limits.validationRules,
    plugins: [
      observeRequests(),
      ...limits.plugins,
      answerForm(options.persistedQueries),
      ApolloServerPluginLandingPageDisabled(),
    ],
    formatError: (shown, error) => errors.format(error, shown),
    // main.ts says when to stop.
    stopOnTerminationSignals: false,
    logger: log,
  });
  await apollo.start();
  app.route({ url: '/graphql', method: ['GET', 'POST'], ...hooks, handler: fastifyApolloHandler(apollo, { context }) });

  const streams = new Set<FastifyReply>();
  const subscriptions = createHandler<RequestContext & Record<PropertyKey, unknown>>({
    schema,
    authenticate: () => null,
    context: async ({ raw }) => ({ ...(await context(raw)) }),
    onSubscribe: ({ raw }, { query, operationName, variables }) => {
      const refusal = refuseSubscription(
        { query, operationName, variables },
        sessions.get(raw)!,
        options.persistedQueries,
      );
      if (!refusal) return undefined;
      return [
        JSON.stringify({ errors: [errors.format(refusal)] }),
        { status: 400, statusText: 'Bad Request', headers: { 'content-type': 'application/json' } },
      ];
    },
    validate: (ofSchema, document) => validate(ofSchema, document, [...specifiedRules, ...limits.validationRules]),
    onNext: (_context, _request, result) =>
      result.errors ? { ...result, errors: errors.formatAll(result.errors) } : undefined,
  });
  app.post('/graphql/stream', hooks, async (request, reply) => {
    reply.hijack();
    streams.add(reply);
    try {
      await subscriptions(request, reply);
    } catch (error) {
      log.error({ err: error, requestId: request.id }, 'a subscription failed');
      reply.raw.destroy();
    } finally {
      streams.delete(reply);
    }
  });

  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    try {
      await options.checkReadiness();
      return { status: 'ready' };
    } catch (error) {
      log.error({ err: error }, 'not ready');
      return reply.code(503).send({ status: 'not ready' });
    }
  });
  if (options.singleSignOn) await app.register(singleSignOnRoutes, { ...options, ...options.singleSignOn });
  if (options.store instanceof DirectoryObjectStore) await app.register(directoryStoreRoutes, { store: options.store });

  const url = await app.listen({ host: options.host, port: options.port });
  return {
    url,
    async stop() {
      for (const reply of streams) reply.raw.end();
      const late = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(late);
      await apollo.stop();
    },
  };
}

/** Everything but subscriptions goes through Apollo. */
function refuseSubscription(
  { query, operationName, variables }: Pick<RequestParams, 'query' | 'operationName' | 'variables'>,
  session: Session,
  persisted: PersistedQueries | undefined,
): unknown {
  try {
    checkTexts(variables);
    if (persisted) checkPersisted(persisted, query, session.kind);
    const operation = getOperationAST(parse(query, PARSE_OPTIONS), operationName);
    if (operation?.operation === 'subscription') return undefined;
    return new CodedError('BAD_INPUT', 'Only subscriptions are served here.', 'query', 'POST it to /graphql.');
  } catch (error) {
    return error;
  }
}

function sendErrors(reply: FastifyReply, status: number, errors: GraphQLFormattedError[]): FastifyReply {
  return reply.code(status).send({ errors });
}

/** What Fastify, a hook or a plugin threw, as a user may see it. */
function fromHttp(error: Error & { statusCode?: number }): CodedError {
  if (error instanceof CodedError || error.statusCode === undefined || error.statusCode >= 500)
    return toCodedError(error);
  if (error.statusCode === 413) {
    return new CodedError('TOO_LARGE', error.message, 'body', `A request has ${MAXIMUM_BODY_BYTES} bytes at most.`);
  }
  return new CodedError('BAD_INPUT', error.message);
}

/** Status and header of an answer that says "later"; documents that are not known, where only known ones are run. */
function answerForm(persisted: PersistedQueries | undefined): ApolloServerPlugin<RequestContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ source, operation, request, contextValue }) => {
        if (operation?.operation === 'subscription') {
          throw new CodedError(
            'BAD_INPUT',
            'Subscriptions are not served here.',
            'query',
            'POST it to /graphql/stream.',
          );
        }
        checkTexts(request.variables);
        if (persisted) checkPersisted(persisted, source, contextValue.session.kind);
      },
      willSendResponse: async ({ errors = [], response }) => {
        const limited = errors.map(unwrapResolverError).find((error) => error instanceof RateLimitedError);
        if (!limited) return;
        response.http.status = 429;
        response.http.headers.set('retry-after', String(limited.retryAfterSeconds));
      },
    }),
  };
}
