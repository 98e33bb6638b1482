/** The pictures of the README: the demo's board, its newest deployment that took part with builds, and the waterfall of it. */
import { mkdirSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test } from '../real/support';

const FOLDER = '../docs/pictures';

interface Item {
  id: string;
  number: number;
  state: string;
  changes: unknown[];
}

async function take(page: Page, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: `${FOLDER}/${name}-${scheme}.png` });
  }
}

test.use({ viewport: { width: 1280, height: 720 } });

test('pictures_of_the_readme', async ({ page, server }) => {
  const environment = '/environments/shop/staging';
  const history = (await (await server.ask('GET', `${environment}/deployments?limit=100`)).json()) as { items: Item[] };
  // The one that changed most: usually the first, which built everything.
  const told = history.items
    .filter((item) => item.state === 'succeeded')
    .sort((a, b) => b.changes.length - a.changes.length)[0];
  if (told === undefined) throw new Error('no deployment of shop/staging has succeeded: make demo');
  await page.goto(server.url + environment);
  await expect(page.locator('[data-service="api"]')).toContainText('running');
  await take(page, 'board');
  await page.goto(`${server.url}/deployments/${told.id}?service=api`);
  await expect(page.locator('.run-title')).toContainText('succeeded');
  await expect(page.locator('.log-line').first()).toBeVisible();
  await take(page, 'run');
  await page.goto(`${server.url}/deployments/${told.id}?tab=waterfall`);
  await expect(page.getByText(/critical path/i).first()).toBeVisible();
  await take(page, 'waterfall');
});
