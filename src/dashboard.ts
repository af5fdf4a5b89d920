/**
 * Serves the built dashboard: hashed files for good, index.html for every page of it. Knows files and HTTP; must not
 * know GraphQL, sessions or teams.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import files from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** What index.html holds in place of the path of single sign-on. */
const SINGLE_SIGN_ON = '<meta name="fusecast-single-sign-on" content="" />';

export class Dashboard {
  private constructor(
    private readonly directory: string,
    private readonly page: string,
  ) {}

  /**
   * @param directory of the build; undefined comes back if there is none
   * @param singleSignOnPath where a browser begins to sign in at a provider, if there is one
   */
  static open(directory: string, singleSignOnPath: string | undefined): Dashboard | undefined {
    try {
      const built = readFileSync(join(directory, 'index.html'), 'utf8');
      const page = singleSignOnPath
        ? built.replace(SINGLE_SIGN_ON, SINGLE_SIGN_ON.replace('""', `"${singleSignOnPath}"`))
        : built;
      return new Dashboard(directory, page);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The routes of the hashed files: their names change with their bytes. */
  async register(app: FastifyInstance): Promise<void> {
    await app.register(files, {
      root: join(this.directory, 'assets'),
      prefix: '/assets/',
      preCompressed: true,
      index: false,
      immutable: true,
      maxAge: '1y',
    });
  }

  /** Whether a request that no route answers is a browser's, for a page: the dashboard's own router knows which. */
  isPage(request: FastifyRequest): boolean {
    const { method, headers, url } = request;
    return method === 'GET' && !url.startsWith('/assets/') && Boolean(headers.accept?.includes('text/html'));
  }

  /** Sends index.html, which is asked for anew each time: it names the newest files. */
  send(reply: FastifyReply): FastifyReply {
    return reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(this.page);
  }
}
