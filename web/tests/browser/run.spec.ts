import type { Locator, Page } from '@playwright/test';
import { expect, expectAccessible, picture, type Server, test } from './support';

const ENVIRONMENT = '/environments/demo/simulated';

/** Asks for a deployment, as another user of the API would. */
async function deploy(server: Server, body: unknown = {}): Promise<{ id: string; number: number }> {
  const answer = await server.ask('POST', `${ENVIRONMENT}/deployments`, body, { 'Content-Type': 'application/json' });
  expect(answer.status).toBe(202);
  return (await answer.json()) as { id: string; number: number };
}

async function stateOf(server: Server, id: string): Promise<string> {
  const answer = await server.ask('GET', `/deployments/${id}`);
  return ((await answer.json()) as { state: string }).state;
}

async function finish(server: Server, body: unknown = {}): Promise<{ id: string; number: number }> {
  const started = await deploy(server, body);
  await expect.poll(() => stateOf(server, started.id), { timeout: 30_000 }).toMatch(/succeeded|failed|canceled/);
  return started;
}

function card(page: Page, service: string): Locator {
  return page.locator(`.run-card[data-service="${service}"]`);
}

/** The state of the run in its header. */
function state(page: Page): Locator {
  return page.locator('.run-title .state');
}

test.describe('a run that goes well', () => {
  test.use({ simulation: ['--services', '6', '--stages', '3', '--build', '700', '--rollout', '500', '--lines', '300'] });

  test('it_is_followed_to_its_end_with_the_log_of_what_works', async ({ page, server }) => {
    const { id } = await deploy(server);
    await page.goto(`${server.url}/deployments/${id}`);
    await expect(page.locator('.run-card .phase').first()).toBeVisible();
    await expect(page.locator('.log-text', { hasText: 'compiling' }).first()).toBeVisible();
    await expect(page.getByText('Following: new lines appear here')).toBeVisible();
    await expectAccessible(page);
    await picture(page, 'run');
    await expect(state(page)).toContainText('succeeded', { timeout: 40_000 });
    await expect(page.locator('.run-card.is-succeeded')).toHaveCount(6);
    await expect(page).toHaveTitle('Deploy #1: succeeded · demo/simulated');
  });

  test('a_stage_that_waits_for_approval_is_approved_on_the_page', async ({ page, server }) => {
    await server.ask(
      'PATCH',
      `${ENVIRONMENT}/stages?stage=Stage%2002`,
      { approval: 'required' },
      { 'Content-Type': 'application/json' },
    );
    const { id } = await deploy(server);
    await page.goto(`${server.url}/deployments/${id}`);
    await expect(page.getByText('Waits for your approval')).toBeVisible({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Approve' }).click();
    await expect(page.getByText('Approved by')).toBeVisible();
    await expect(state(page)).toContainText('succeeded', { timeout: 40_000 });
  });

  test('what_is_planned_is_told_with_its_reasons_and_deployed', async ({ page, server }) => {
    await page.goto(`${server.url}${ENVIRONMENT}/plan?service=service-001&service=service-003`);
    const first = page.locator('.plan-list li', { hasText: 'service-001' });
    await expect(first).toContainText('first build');
    await expect(first).toContainText('first release');
    await expect(page.locator('.plan-list li')).toHaveCount(2);
    await expectAccessible(page);
    await picture(page, 'plan');
    await page.getByRole('button', { name: 'Deploy this' }).click();
    await expect(page).toHaveURL(/\/deployments\/[0-9a-f-]+$/);
    await expect(page.locator('.run-card')).toHaveCount(2);
    await expect(state(page)).toContainText('succeeded', { timeout: 40_000 });
  });

  test('an_earlier_deployment_comes_back_by_two_clicks', async ({ page, server }) => {
    await finish(server);
    await finish(server, { services: [{ name: 'service-001', version: 'v2' }] });
    await page.goto(`${server.url}${ENVIRONMENT}/deployments`);
    await expect(page.getByRole('row', { name: /Deploy #2/ })).toContainText('service-001');
    await expectAccessible(page);
    await picture(page, 'history');
    await page.getByRole('link', { name: 'Roll back to #1' }).click();
    await expect(page.getByRole('region', { name: 'Versions' })).toContainText('service-001');
    await page.getByRole('button', { name: 'Roll back to #1' }).click();
    await expect(page.getByRole('heading', { name: 'Roll back #3' })).toBeVisible();
    await expect(state(page)).toContainText('succeeded', { timeout: 40_000 });
  });

  test('the_history_shows_by_itself_what_is_queued_and_what_has_ended', async ({ page, server }) => {
    await finish(server);
    await page.goto(`${server.url}${ENVIRONMENT}/deployments`);
    await expect(page.getByRole('link', { name: 'Deploy #1', exact: true })).toBeVisible();
    const restart = await deploy(server, { action: 'restart' });
    const waits = await deploy(server);
    await page.reload();
    const queue = page.getByRole('region', { name: 'Queue' });
    await expect(queue).toContainText(`Deploy #${waits.number}`);
    await page.getByRole('button', { name: `Cancel #${waits.number}` }).click();
    await expect.poll(() => stateOf(server, waits.id)).toBe('canceled');
    await expect.poll(() => stateOf(server, restart.id), { timeout: 30_000 }).toBe('succeeded');
    await expect(page.getByRole('row', { name: new RegExp(`Restart #${restart.number}`) })).toContainText('succeeded');
  });

  test('the_waterfall_says_why_and_when_and_leads_to_the_log', async ({ page, server }) => {
    await finish(server);
    const { id } = await finish(server, { rebuild: true });
    await page.goto(`${server.url}/deployments/${id}?tab=waterfall`);
    const row = page.locator('a.chart-row[data-row="service-006"]');
    await expect(row).toBeVisible();
    await row.locator('.chart-bar.is-waiting').nth(1).hover();
    const hint = page.locator('.chart-hint');
    await expect(hint).toContainText('waiting for the stages before');
    await expect(hint).toContainText(/\d\d:\d\d:\d\d\.\d\d\d to \d\d:\d\d:\d\d/);
    await expect(page.locator('.chart-critical').first()).toBeVisible();
    await row.focus();
    await page.keyboard.press('ArrowRight');
    await expect(hint).toContainText('service-006');
    await page.getByLabel('Compare with the run before').check();
    await expect(page.locator('.chart-ghost').first()).toBeVisible();
    await expect(page.getByText('than #1')).toBeVisible();
    await page.getByText('As a table').click();
    await expect(page.getByRole('cell', { name: 'running: building' }).first()).toBeVisible();
    await expect(page.getByRole('cell', { name: 'running: pushing' }).first()).toBeVisible();
    await expect(page.locator('.chart-bar.is-pushing').first()).toBeVisible();
    await expectAccessible(page);
    await picture(page, 'waterfall');
    await page.locator('a.chart-row[data-row="service-001"] .chart-bar.is-building').nth(1).click();
    await expect(page.getByRole('heading', { name: 'service-001' })).toBeVisible();
    await expect(page.locator('.log-text', { hasText: 'compiling' }).first()).toBeVisible();
  });

  test('a_line_that_is_found_can_be_linked_and_a_range_too', async ({ page, server, another }) => {
    const { id } = await finish(server, { services: [{ name: 'service-001' }] });
    await page.goto(`${server.url}/deployments/${id}`);
    await page.getByRole('searchbox', { name: 'Search the log' }).pressSequentially('part 29');
    await page.keyboard.press('Enter');
    await expect(page.getByText('1 of 11')).toBeVisible();
    await page.getByRole('button', { name: 'Next match' }).click();
    await expect(page.locator('.log-line.is-match')).toContainText('part 290 of');
    await page.locator('.log-line.is-match .log-number').click();
    await page
      .locator('.log-line', { hasText: 'part 292' })
      .locator('.log-number')
      .click({ modifiers: ['Shift'] });
    await expect(page.locator('.log-line.is-linked')).toHaveCount(3);
    const other = await another();
    await other.goto(page.url());
    await expect(other.locator('.log-line.is-linked')).toHaveCount(3);
    await expect(other.locator('.log-line.is-linked').first()).toContainText('part 290 of');
    await expect(other.locator('.log-line.is-linked').first()).toBeInViewport();
  });

  test('steps_fold_and_lines_wrap', async ({ page, server }) => {
    const { id } = await finish(server, { services: [{ name: 'service-001' }] });
    await page.goto(`${server.url}/deployments/${id}?service=service-001`);
    await expect(page.locator('.log-text').first()).toContainText('source https://');
    await page.getByRole('button', { name: 'Build' }).click();
    await expect(page.locator('.log-text').first()).toContainText('release service-001');
    await page.getByLabel('Wrap').check();
    await expect(page.locator('.log-rows.wraps')).toBeVisible();
    await page.getByRole('button', { name: 'Build' }).click();
    await page.locator('.log-scroll').focus();
    await page.keyboard.press('End');
    await expect(page.locator('.log-text').last()).toBeInViewport();
    await page.keyboard.press('Home');
    await expect(page.locator('.log-text').first()).toContainText('source https://');
  });

  test('what_the_pods_of_a_service_write_is_shown', async ({ page, server }) => {
    await finish(server);
    await page.goto(`${server.url}${ENVIRONMENT}/services/service-001/logs`);
    await expect(page.locator('.log-text').first()).toBeVisible();
    await expectAccessible(page);
  });
});

test.describe('a run that does not go well', () => {
  const more = ['--services', '3', '--stages', '1', '--build', '400', '--rollout', '400'];
  test.use({ simulation: [...more, '--also', 'worker-fails', '--also', 'tools-breaks'] });

  test('it_opens_on_the_service_that_failed_with_the_reason_at_the_top', async ({ page, server }) => {
    const { id, number } = await finish(server);
    await page.goto(`${server.url}/deployments/${id}`);
    await expect(state(page)).toContainText('failed');
    const failure = page.getByRole('region', { name: 'Why worker-fails failed' });
    await expect(failure).toContainText('CrashLoopBackOff');
    await expect(failure.getByRole('link', { name: 'crash-loop' })).toHaveAttribute('href', /errors\/crash-loop$/);
    await expect(failure).toContainText(`slipway logs worker-fails --deployment ${number}`);
    await expect(failure).toBeInViewport();
    await expectAccessible(page);
    await picture(page, 'failure');
    await page.locator('.log-frame').scrollIntoViewIfNeeded();
    await expect(page.locator('.log-text', { hasText: 'CrashLoopBackOff' })).toBeInViewport();
    await card(page, 'tools-breaks').click();
    await expect(page.getByRole('region', { name: 'Why tools-breaks failed' })).toContainText('RUN make');
    await page.goBack();
    await expect(failure).toBeVisible();
  });
});

test.describe('a run that takes long', () => {
  test.use({ simulation: ['--services', '3', '--stages', '1', '--build', '20000', '--rollout', '400'] });

  test('it_is_canceled_after_a_question', async ({ page, server }) => {
    const { id } = await deploy(server);
    await page.goto(`${server.url}/deployments/${id}`);
    await page.getByRole('button', { name: 'Cancel…', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel deployment 1?' });
    await expect(dialog).toBeVisible();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Cancel deployment 1' }).click();
    await expect(state(page)).toContainText('canceled');
  });

  test('one_service_of_it_is_canceled_and_counts_as_failed', async ({ page, server }) => {
    const { id } = await deploy(server);
    await page.goto(`${server.url}/deployments/${id}?service=service-002`);
    await page.getByRole('button', { name: 'Cancel service-002…' }).click();
    await page.getByRole('button', { name: 'Cancel service-002', exact: true }).click();
    await expect(card(page, 'service-002')).toContainText('canceled');
    await expect(state(page)).toContainText('running');
  });

  test('a_server_that_goes_away_is_told', async ({ page, server }) => {
    const { id } = await deploy(server);
    await page.goto(`${server.url}/deployments/${id}`);
    await expect(page.locator('.run-card .phase').first()).toBeVisible();
    await server.stop();
    await expect(page.getByText('The server does not answer: what you see may be old')).toBeVisible();
  });
});
