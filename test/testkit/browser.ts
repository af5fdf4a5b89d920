/**
 * A real Chromium for tests of the dashboard: pages whose console is listened to, accessibility by axe-core, and what
 * a first load weighs. Knows browsers; must not know the API.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly nodes: { readonly html: string; readonly failureSummary: string }[];
}

export class TestBrowser {
  private constructor(private readonly browser: Browser) {}

  /** @throws Error if this machine has none: `apt-get install chromium`, or FUSECAST_CHROMIUM with its path */
  static async start(): Promise<TestBrowser> {
    const executablePath = [process.env.FUSECAST_CHROMIUM ?? '', ...PATHS].find((each) => each && existsSync(each));
    if (!executablePath) {
      throw new Error('There is no Chromium: apt-get install chromium, or set FUSECAST_CHROMIUM to its path.');
    }
    // Chromium's sandbox does not run as root, which CI is.
    return new TestBrowser(await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }));
  }

  /** A browser of its own: cookies, storage. Relative URLs are the service's. */
  async open(
    url: string,
    options: { viewport?: typeof WIDE; colorScheme?: 'light' | 'dark' } = {},
  ): Promise<TestVisit> {
    const context = await this.browser.newContext({
      baseURL: url,
      viewport: WIDE,
      permissions: ['clipboard-read', 'clipboard-write'],
      // Measured pages are the same in every run.
      reducedMotion: 'reduce',
      ...options,
    });
    return TestVisit.begin(context, url);
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }
}

/** One person's visit: a page, and all that its console and its network complained of. */
export class TestVisit {
  /** Errors and warnings of the console, exceptions, requests to other hosts. */
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly url: string,
  ) {}

  static async begin(context: BrowserContext, url: string): Promise<TestVisit> {
    const page = await context.newPage();
    const visit = new TestVisit(context, page, url);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) visit.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => visit.complaints.push(`exception: ${error.stack ?? error.message}`));
    page.on('request', (request) => {
      const target = new URL(request.url());
      if (target.protocol.startsWith('http') && target.origin !== new URL(url).origin) {
        visit.complaints.push(`request to another host: ${request.url()}`);
      }
    });
    return visit;
  }

  /** Signs in by a session's token, as if by the form. */
  async signIn(token: string): Promise<this> {
    await this.context.addCookies([{ name: 'fusecast', value: token, url: this.url, httpOnly: true }]);
    return this;
  }

  /** Goes to a path and waits until nothing is loading. */
  async goto(pathname: string): Promise<void> {
    await this.page.goto(pathname);
    await this.settle();
  }

  /** Waits until the page has its title and no loader. */
  async settle(): Promise<void> {
    await this.page.locator('h1').first().waitFor();
    await this.page.locator('[role=status]').first().waitFor({ state: 'detached' });
  }

  /** Serious and critical findings of axe-core, in words. */
  async accessibilityFindings(): Promise<string[]> {
    await this.page.evaluate(AXE);
    const violations = (await this.page.evaluate(
      'axe.run(document).then(({ violations }) => violations)',
    )) as Finding[];
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}\n${node.html}\n${node.failureSummary}`));
  }

  /** Whether the page is wider than its window. */
  async overflows(): Promise<boolean> {
    return (await this.page.evaluate('document.documentElement.scrollWidth > window.innerWidth')) as boolean;
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

/** Where screenshots of all pages go, if they shall be taken: `npm run web:screenshots`. */
const SCREENSHOTS = process.env.FUSECAST_SCREENSHOTS;

/**
 * Opens every page on a phone and on a large window, light and dark, and says what is wrong with it: findings of axe-core,
 * what the console and the network complained of, pages wider than their window.
 *
 * @param pages paths by the names of their screenshots
 * @param token of a session; none for pages of people who are not signed in
 */
export async function faultsOfPages(
  browser: TestBrowser,
  url: string,
  pages: Readonly<Record<string, string>>,
  token?: string,
): Promise<string[]> {
  const faults: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      const visit = await browser.open(url, { viewport, colorScheme });
      if (token) await visit.signIn(token);
      for (const [name, pathname] of Object.entries(pages)) {
        await visit.goto(pathname);
        const found = [...(await visit.accessibilityFindings()), ...visit.complaints.splice(0)];
        if (await visit.overflows()) found.push('wider than its window');
        faults.push(...found.map((fault) => `${name}, ${size}, ${colorScheme}: ${fault}`));
        if (!SCREENSHOTS) continue;
        const file = path.join(SCREENSHOTS, `${name}-${size}-${colorScheme}.png`);
        await visit.page.screenshot({ path: file, fullPage: true });
      }
      await visit.close();
    }
  }
  return faults;
}

/** Bytes of script, as the network carries them, that a fresh browser loads to show a path. */
export async function scriptBytes(browser: TestBrowser, url: string, pathname: string): Promise<number> {
  const visit = await browser.open(url);
  const sizes: Promise<number>[] = [];
  visit.page.on('response', (response) => {
    if (path.extname(new URL(response.url()).pathname) !== '.js') return;
    sizes.push(
      response
        .request()
        .sizes()
        .then(({ responseBodySize }) => responseBodySize),
    );
  });
  await visit.goto(pathname);
  const bytes = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
  await visit.close();
  return bytes;
}
