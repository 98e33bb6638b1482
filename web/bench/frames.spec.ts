/**
 * How the board feels with 500 services in 30 stages: until it is drawn, frames that are lost while a deployment of all of them is
 * live, and the time from a fact on the server to the change on the screen. `dev/bench-page` runs it.
 */
import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { expect, type Server, test } from '../tests/browser/support';

const SERVICES = 500;
const ENVIRONMENT = '/environments/demo/simulated';
/** A frame at 60 Hz, in milliseconds. */
const FRAME = 1000 / 60;

/** What the page tells of itself. */
interface Recorded {
  frames: number[];
  changes: { service: string; state: string; at: number }[];
}

declare global {
  interface Window {
    drawn?: number;
    recorded: Recorded;
  }
}

test.use({
  simulation: ['--services', `${SERVICES}`, '--stages', '30', '--build', '600', '--rollout', '400', '--lines', '20'],
});

test('a_run_of_500_services_stays_fluid', async ({ page, server }) => {
  await noteWhenDrawn(page);
  const scripts: Promise<Buffer>[] = [];
  page.on('response', (response) => {
    if (new URL(response.url()).pathname.endsWith('.js')) scripts.push(response.body());
  });
  await page.goto(server.url + ENVIRONMENT);
  await expect(page.locator('.card[data-service]')).toHaveCount(SERVICES);
  const drawn = await page.evaluate(() => window.drawn ?? Number.NaN);
  const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN);
  const script = (await Promise.all(scripts)).reduce((sum, body) => sum + gzipSync(body).length, 0);
  await record(page);
  const idle = await measureFrames(page, 5_000);
  const id = await deploy(server);
  const { view, frames, changes } = await followed(page, server, id);
  const live = told(frames);
  const latencies = latenciesOf(changes, view).toSorted((one, other) => one - other);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  const result = {
    script: `${(script / 1000).toFixed(1)} kB gzip`,
    firstContentfulPaint: Math.round(painted),
    boardDrawn: Math.round(drawn),
    idle,
    live,
    latency: { changes: latencies.length, p50: at(0.5), p99: at(0.99), most: latencies.at(-1) },
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  // A goal that is missed hides no other: all are looked at, and the test fails at its end.
  expect.soft(latencies.length, 'changes seen on the screen').toBeGreaterThan(SERVICES);
  expect.soft(live.lostShare, 'share of frames lost').toBeLessThan(0.05);
  expect.soft(at(0.99), 'fact to screen, p99, in ms').toBeLessThan(100);
  expect.soft(painted, 'first contentful paint, in ms').toBeLessThan(1000);
});

async function noteWhenDrawn(page: Page): Promise<void> {
  await page.addInitScript((services) => {
    const look = () => {
      if (document.querySelectorAll('.card[data-service]').length < services) requestAnimationFrame(look);
      else window.drawn = performance.now();
    };
    requestAnimationFrame(look);
  }, SERVICES);
}

/** Notes each frame, and each change of the state of a card. */
async function record(page: Page): Promise<void> {
  await page.evaluate(() => {
    const recorded: Recorded = { frames: [], changes: [] };
    window.recorded = recorded;
    let last = performance.now();
    const frame = (now: number) => {
      recorded.frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const note = (changes: MutationRecord[]) => {
      const at = Date.now();
      for (const { target } of changes) {
        const { service, state } = (target as HTMLElement).dataset;
        if (service !== undefined && state !== undefined) recorded.changes.push({ service, state, at });
      }
    };
    const options = { attributes: true, attributeFilter: ['data-state'], subtree: true };
    new MutationObserver(note).observe(document.body, options);
  });
}

async function measureFrames(page: Page, milliseconds: number): Promise<ReturnType<typeof told>> {
  await page.evaluate(() => window.recorded.frames.splice(0));
  await page.waitForTimeout(milliseconds);
  return told(await page.evaluate(() => window.recorded.frames.splice(0)));
}

function told(frames: number[]) {
  const lost = frames.reduce((sum, length) => sum + Math.max(0, Math.round(length / FRAME) - 1), 0);
  return {
    seconds: Math.round(frames.reduce((sum, length) => sum + length, 0) / 1000),
    frames: frames.length,
    lost,
    lostShare: lost / (frames.length + lost),
    over17: frames.filter((length) => length > FRAME * 1.5).length,
    over33: frames.filter((length) => length > FRAME * 2.5).length,
    longest: Math.round(Math.max(...frames)),
  };
}

async function deploy(server: Server): Promise<string> {
  const answer = await server.ask('POST', `${ENVIRONMENT}/deployments`, {}, { 'Content-Type': 'application/json' });
  return ((await answer.json()) as { id: string }).id;
}

interface Step {
  startedAt?: string;
  endedAt?: string;
}

interface View {
  outcome?: string;
  stages: { services: { name: string; build?: Step; release: Step }[] }[];
}

async function followed(page: Page, server: Server, id: string): Promise<Recorded & { view: View }> {
  while (true) {
    const view = (await (await server.ask('GET', `/deployments/${id}`)).json()) as View;
    if (view.outcome !== undefined) return { view, ...(await page.evaluate(() => window.recorded)) };
    await page.waitForTimeout(2_000);
  }
}

/** The time from the fact that a service began or ended to the change of its card. */
function latenciesOf(changes: Recorded['changes'], view: View): number[] {
  const services = new Map(view.stages.flatMap((stage) => stage.services).map((service) => [service.name, service]));
  return changes.flatMap(({ service, state, at }) => {
    const known = services.get(service);
    const begun = [known?.build?.startedAt, known?.release.startedAt].filter(
      (start) => start !== undefined && Date.parse(start) <= at,
    );
    const fact = state === 'running' ? begun.at(-1) : state === 'succeeded' ? known?.release.endedAt : undefined;
    return fact === undefined ? [] : [at - Date.parse(fact)];
  });
}
