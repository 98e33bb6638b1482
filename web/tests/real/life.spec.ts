import type { Page } from '@playwright/test';
import { card } from '../browser/board-parts';
import { commit, DEPLOYED, expect, expectAccessible, picture, test } from './support';

test.setTimeout(600_000);

async function deploy(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Deploy…' }).click();
  await page.getByRole('button', { name: 'Deploy 2 services' }).click();
  await page.locator('.active-deployment').getByRole('link').click();
}

/** Adds a stage and drags a service into it; the other browser sees it. */
async function moveTheCache(page: Page, other: Page): Promise<void> {
  await page.getByRole('button', { name: '+ Add stage' }).click();
  await page.keyboard.type('Caches');
  await page.keyboard.press('Enter');
  const caches = page.locator('.column').filter({ has: page.getByRole('heading', { name: 'Caches' }) });
  await card(page, 'cache').dragTo(caches);
  await expect(caches.locator('.card-link')).toHaveText(['cache']);
  const seen = other.locator('.column').filter({ has: other.getByRole('heading', { name: 'Caches' }) });
  await expect(seen.locator('.card-link')).toHaveText(['cache']);
}

test('a_pipeline_is_changed_a_deployment_watched_a_failure_explained_and_taken_back', async ({ page, server, another }) => {
  // From the list to the board, where a stage is added and a service dragged into it, and another browser sees it.
  await page.goto(server.url);
  await page.getByRole('link', { name: 'test' }).click();
  await expect(card(page, 'api')).toBeVisible();
  const other = await another();
  await other.goto(`${server.url}/environments/paged/test`);
  await expect(card(other, 'cache')).toBeVisible();
  await moveTheCache(page, other);

  // A deployment is asked for, watched, and both browsers see it end.
  await deploy(page);
  await expect(page.getByRole('heading', { name: 'Deploy #1' })).toBeVisible();
  await expect(page.locator('.run-title')).toContainText('succeeded', DEPLOYED);
  await card(page, 'api').click();
  await expect(page.getByText('the first version is made').first()).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'real-run');
  await page.getByRole('link', { name: 'Waterfall' }).click();
  await expect(page.getByText(/critical path/i).first()).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'real-waterfall');
  await expect(card(other, 'api')).toContainText('running');
  await expect(card(other, 'api')).toContainText('#1');
  await picture(other, 'real-board');

  // A version that does not build: the failing service is open, with its reason and its last lines.
  commit('Dockerfile', 'FROM docker.io/library/debian:bookworm-slim\nRUN echo the second version breaks && exit 3\n');
  await page.goto(`${server.url}/environments/paged/test`);
  await deploy(page);
  const reason = page.getByRole('region', { name: 'Why api failed' });
  await expect(reason).toBeVisible(DEPLOYED);
  await expect(reason).toContainText('build-failed');
  await expect(reason).toContainText('the second version breaks');
  await expect(page.locator('.run-title')).toContainText('failed', DEPLOYED);
  await expectAccessible(page);
  await picture(page, 'real-failure');

  // What ran before still runs, and says its lines.
  await page.goto(`${server.url}/environments/paged/test/services/cache/logs`);
  await expect(page.getByText(/ready to accept connections/i).first()).toBeVisible();

  // A version that works, and back to the first one in two clicks.
  commit(
    'Dockerfile',
    'FROM docker.io/library/debian:bookworm-slim\nRUN echo the third version is made\nCMD ["sleep", "1000000"]\n',
  );
  await page.goto(`${server.url}/environments/paged/test`);
  await deploy(page);
  await expect(page.locator('.run-title')).toContainText('succeeded', DEPLOYED);
  await page.goto(`${server.url}/environments/paged/test/deployments`);
  await page.getByRole('link', { name: 'Roll back to #1' }).click();
  await page.getByRole('button', { name: /roll back/i }).click();
  await expect(page.getByRole('heading', { name: 'Roll back #4' })).toBeVisible(DEPLOYED);
  await expect(page.locator('.run-title')).toContainText('succeeded', DEPLOYED);
});
