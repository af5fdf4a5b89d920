/**
 * What the operator's machines ask of a process, whatever its role: metrics for Prometheus, liveness, readiness. On a
 * port of its own, on this machine only unless configured otherwise: nobody signs in here, and it tells of all teams' load.
 */
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { Logger } from 'pino';
import { scrape } from './metrics';

export interface OperationsOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly log: Logger;
  /** Rejects while something that the process needs does not answer. */
  readonly checkReadiness: () => Promise<void>;
  /** Reads what is only worth reading when somebody looks. */
  readonly beforeScrape: () => Promise<void>;
}

/** Starts listening. */
export async function startOperations(options: OperationsOptions): Promise<{ url: string; stop(): Promise<void> }> {
  const { log } = options;
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  });
  // Alive is who answers: a process whose database is away is no better for being restarted.
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
  app.get('/metrics', async (_request, reply) => {
    // What can be read is read also while the database is away.
    await options.beforeScrape().catch((error) => log.warn({ err: error }, 'the queues could not be read'));
    const { contentType, text } = await scrape();
    return reply.type(contentType).send(text);
  });
  const url = await app.listen({ host: options.host, port: options.port });
  return { url, stop: () => app.close() };
}
