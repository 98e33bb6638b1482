/**
 * What every browser test has: a server of its own, a page that is signed in, and rules that hold on every page: no error in the
 * console, nothing that the content security policy refuses, no request to another host.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

export { expect };

/** A server that a test talks to. */
export interface Server {
  url: string;
  token: string;
  /** Asks the API as another user of it would. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

interface Options {
  /** Arguments of `simulated`, see crates/server/examples/simulated.rs. */
  simulation: string[];
}

interface Fixtures {
  server: Server;
  /** Opens one more signed-in browser on the same server. */
  another: () => Promise<Page>;
}

/** Problems of a page that fail its test. */
const troubles = new WeakMap<Page, string[]>();

export const test = base.extend<Fixtures & Options>({
  simulation: [[], { option: true }],
  server: async ({ simulation }, use) => {
    const server = await startSimulated(simulation);
    await use(server);
    await server.stop();
  },
  page: async ({ page, server }, use) => {
    watch(page, server);
    await signIn(page, server);
    await use(page);
    expect(troubles.get(page)).toEqual([]);
  },
  another: async ({ browser, server }, use) => {
    const pages: Page[] = [];
    await use(async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      watch(page, server);
      await signIn(page, server);
      pages.push(page);
      return page;
    });
    for (const page of pages) {
      expect(troubles.get(page)).toEqual([]);
      await page.context().close();
    }
  },
});

/** Starts the simulated server and waits until it listens. */
async function startSimulated(more: string[]): Promise<Server> {
  const program = process.env.SLIPWAY_TEST_SIMULATED ?? '../target/debug/examples/simulated';
  const child = spawn(program, ['--until-input-ends', ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await firstLine(child, program);
  const [url, token] = line.split(' ');
  if (url === undefined || token === undefined) throw new Error(`${program} says ${line}; expected an address and a token`);
  return connect(url, token, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  });
}

function firstLine(child: ChildProcess, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', () => reject(new Error(`${program} does not start: dev/web browser builds it`)));
    child.once('exit', (code) => reject(new Error(`${program} ended with code ${code} before it listened`)));
    if (child.stdout !== null) createInterface(child.stdout).once('line', resolve);
  });
}

/** A server that listens already. */
export function connect(url: string, token: string, stop: () => Promise<void>): Server {
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const all = { Authorization: `Bearer ${token}`, ...headers };
    return fetch(`${url}/api/v1${path}`, { method, headers: all, ...(text === undefined ? {} : { body: text }) });
  };
  return { url, token, ask, stop };
}

async function signIn(page: Page, server: Server): Promise<void> {
  await page.addInitScript((token) => localStorage.setItem('slipway-session', token), server.token);
}

function watch(page: Page, server: Server): void {
  const found: string[] = [];
  troubles.set(page, found);
  page.on('pageerror', (error) => found.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // A refused request is what some tests are about; the page tells of it in its own words.
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) found.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== new URL(server.url).origin && url.protocol.startsWith('http'))
      found.push(`foreign request: ${url.href}`);
  });
}

/** Fails with what axe finds against WCAG 2.2 AA. */
export async function expectAccessible(page: Page): Promise<void> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
  );
  expect(told).toEqual([]);
}

/** Keeps a picture of the page, light, dark and narrow, as an artefact of the run. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync('test-results/pictures', { recursive: true });
  const before = page.viewportSize();
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: `test-results/pictures/${name}-${scheme}.png` });
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.screenshot({ path: `test-results/pictures/${name}-narrow.png` });
  if (before !== null) await page.setViewportSize(before);
}
