/** What is set up, planned, queued, compared and taken away on the page, with real builds, releases and pods. Each goes on from the one before. */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { card, carry, chooseOf, column, expectCards, expectStages } from '../browser/board-parts';
import { apply, field, write } from '../browser/draft-parts';
import { commit, DEPLOYED, expect, expectAccessible, given, picture, repositoryUrl, type Server, test } from './support';

const ENVIRONMENT = '/environments/paged/flows';

/** An image that says at its start what it was given. */
const TELLS = `FROM docker.io/library/debian:bookworm-slim
ARG LEVEL
RUN echo made at level $LEVEL
CMD ["sh", "-c", "echo the level is $LEVEL and the key has \${#KEY} letters; trap exit TERM; sleep 1000000 & wait"]
`;

test.describe.configure({ mode: 'serial' });
test.setTimeout(300_000);

function state(page: Page) {
  return page.locator('.run-title .state');
}

async function tab(page: Page, server: Server, name: string): Promise<void> {
  await page.goto(server.url + ENVIRONMENT);
  await page.getByRole('navigation', { name: 'Environment' }).getByRole('link', { name, exact: true }).click();
}

async function fileOf(server: Server): Promise<string> {
  return (await server.ask('GET', `${ENVIRONMENT}/file`, undefined, { Accept: 'application/yaml' })).text();
}

/** Goes from the word that an action was accepted to its run. */
async function openRun(page: Page, action: string): Promise<void> {
  const told = page.locator('.toast', { hasText: `${action} #` }).last();
  await told.getByRole('button', { name: 'Open' }).click();
  await expect(page.getByRole('heading', { name: `${action} #` })).toBeVisible();
}

/** Asks for an action by its dialog, and stays. */
async function ask(page: Page, action: string, services: string): Promise<void> {
  await page.getByRole('button', { name: `${action}…` }).click();
  await page.getByRole('button', { name: `${action} ${services}` }).click();
}

test('an_environment_is_made_in_the_form_with_an_application_and_an_image', async ({ page, server }) => {
  commit('flows/Dockerfile', TELLS);
  await page.goto(`${server.url}/new`);
  await page.getByLabel('Name', { exact: false }).first().fill('flows');
  await page.getByLabel('Project').fill('paged');
  await page.getByRole('button', { name: 'Add service' }).click();
  await field(page, 'services[0].name').fill('api');
  await page.getByLabel('Kind').selectOption('application');
  await field(page, 'services[0].application.git.url').fill(repositoryUrl());
  await field(page, 'services[0].application.git.root').fill('flows');
  await page.getByRole('button', { name: 'Add service' }).click();
  await field(page, 'services[1].name').fill('cache');
  await page.getByLabel('Kind').last().selectOption('container');
  await field(page, 'services[1].container.image.name').fill('redis');
  await field(page, 'services[1].container.image-kind').selectOption('tag');
  await field(page, 'services[1].container.image.tag').fill('7.2');
  await expect(page.getByText('Valid')).toBeVisible();
  await page.getByRole('button', { name: 'Review and make' }).click();
  await page.getByRole('button', { name: 'Make the environment' }).click();
  await expect(page).toHaveURL(server.url + ENVIRONMENT);
  await expectCards(page, '2.DEFAULT CONTAINER', ['cache']);
  await expectCards(page, '3.DEFAULT APPLICATION', ['api']);
});

test('variables_are_set_where_they_count_and_a_secret_is_set_and_never_shown', async ({ page, server }) => {
  // The project's own page: what all of its environments see.
  await page.goto(server.url);
  await page.getByRole('link', { name: 'paged', exact: true }).click();
  await page.getByRole('button', { name: 'Add variable' }).click();
  await page.getByLabel('Name', { exact: true }).fill('LEVEL');
  await page.getByLabel('Value of LEVEL').fill('info');
  await apply(page);
  await expect(page.getByText(/Applied as version 1/)).toBeVisible();

  // The file of the environment, as text: it declares a secret.
  await tab(page, server, 'File');
  await page.getByRole('button', { name: 'YAML', exact: true }).click();
  await expect(page.locator('.cm-content')).toContainText('name: flows');
  const text = await fileOf(server);
  await write(page, `${text}secrets: [KEY_OF_SHOP]\nvariables: {KEY: {secret: KEY_OF_SHOP}}\n`);
  await apply(page);
  await expect(page.getByText(/Applied as version 2/)).toBeVisible();

  // A deployment without its value is refused before anything begins.
  await ask(page, 'Deploy', '2 services');
  await expect(page.getByRole('dialog')).toContainText('KEY_OF_SHOP');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel', exact: true }).click();
  await tab(page, server, 'Variables');
  const row = page.getByRole('row', { name: /KEY_OF_SHOP/ });
  await page.getByLabel('New value of KEY_OF_SHOP').fill('hunter2');
  await row.getByRole('button', { name: 'Set' }).click();
  await expect(row).toContainText('set, never shown');

  // A variable of the service takes the place of the project's, and the page says so.
  await page.getByRole('combobox', { name: 'Service' }).selectOption('api');
  const own = page.getByRole('group', { name: 'Of api' });
  await own.getByRole('button', { name: 'Add variable' }).click();
  await own.getByLabel('Name', { exact: true }).fill('LEVEL');
  await own.getByLabel('Name', { exact: true }).press('Tab');
  await own.getByLabel('Value of LEVEL').fill('debug');
  await expect(page.getByRole('table', { name: 'What api sees' }).getByRole('row', { name: /LEVEL/ })).toContainText(
    'in the place of that of the project',
  );
  await apply(page);
  await expect(page.getByText(/Applied as version 3/)).toBeVisible();
  expect(await page.content()).not.toContain('hunter2');
});

test('what_would_be_done_is_planned_and_done_and_the_pods_see_their_variables', async ({ page, server }) => {
  await tab(page, server, 'Board');
  await page.getByRole('button', { name: 'Deploy…' }).click();
  await page.getByRole('link', { name: 'Plan first' }).click();
  await expect(page.locator('.plan-list li', { hasText: 'api' })).toContainText('first build', DEPLOYED);
  await expect(page.locator('.plan-list li', { hasText: 'cache' })).toContainText('first release');
  await expectAccessible(page);
  await picture(page, 'real-plan');
  await page.getByRole('button', { name: 'Deploy this' }).click();
  await expect(state(page)).toContainText('succeeded', DEPLOYED);
  await expect(page.locator('.run-card.is-succeeded')).toHaveCount(2);

  // The log of the build is searched, and a line of it is a link.
  await page.locator('.run-card[data-service="api"]').click();
  await page.getByRole('searchbox', { name: 'Search the log' }).fill('made at level debug');
  await page.keyboard.press('Enter');
  await page.locator('.log-line.is-match .log-number').click();
  await page.reload();
  await expect(page.locator('.log-line.is-linked')).toContainText('made at level debug');

  await page.goto(`${server.url}${ENVIRONMENT}/services/api/logs`);
  await expect(page.getByText('the level is debug and the key has 7 letters').first()).toBeVisible();
  expect(await page.content()).not.toContain('hunter2');

  // With nothing to do the plan says why.
  await tab(page, server, 'Plan');
  await expect(page.locator('.plan-list li', { hasText: 'api' })).toContainText(/unchanged|as it was|nothing/i, DEPLOYED);
});

test('a_service_and_the_settings_are_edited_and_two_runs_are_compared', async ({ page, server, another }) => {
  await page.goto(`${server.url}${ENVIRONMENT}/services/api`);
  await page.getByLabel('Memory').first().fill('96Mi');
  await apply(page);
  await expect(page.getByText(/Applied as version 4/)).toBeVisible();
  const other = await another();
  await tab(other, server, 'Settings');
  await other.getByLabel('Max parallel builds').fill('5');
  await tab(page, server, 'Settings');
  await page.getByLabel('On failure').selectOption('fail-fast');
  await apply(page);
  await expect(page.getByText(/Applied as version 5/)).toBeVisible();
  await expect(other.getByRole('alert')).toContainText('changed');

  await page.goto(server.url + ENVIRONMENT);
  await page.getByRole('button', { name: 'Deploy…' }).click();
  await page.getByLabel('Build images although they are there').check();
  await page.getByRole('button', { name: 'Deploy 2 services' }).click();
  await openRun(page, 'Deploy');
  await expect(state(page)).toContainText('succeeded', DEPLOYED);
  await page.getByRole('link', { name: 'Waterfall' }).click();
  await page.getByLabel('Compare with the run before').check();
  await expect(page.locator('.chart-ghost').first()).toBeVisible();
  await expect(page.getByText('than #1')).toBeVisible();
  await page.getByText('As a table').click();
  for (const band of ['building', 'releasing', 'waiting for the rollout'])
    await expect(page.getByRole('cell', { name: `running: ${band}` }).first()).toBeVisible();
  await page.locator('a.chart-row[data-row="api"] .chart-bar').last().hover();
  await expect(page.locator('.chart-hint')).toContainText('api');
  await expectAccessible(page);
  await picture(page, 'real-comparison');
});

test('stages_are_worked_on_with_mouse_and_keys_and_a_skipped_service_stays_out', async ({ page, server }) => {
  await tab(page, server, 'Board');
  // An empty stage goes without a question, since it can be had back.
  await chooseOf(page, 'Menu of stage 1.DEFAULT JOB', 'Delete…');
  await expectStages(page, ['0.DEFAULT DATABASE', '2.DEFAULT CONTAINER', '3.DEFAULT APPLICATION']);
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await expectStages(page, ['0.DEFAULT DATABASE', '1.DEFAULT JOB', '2.DEFAULT CONTAINER', '3.DEFAULT APPLICATION']);
  await chooseOf(page, 'Menu of stage 3.DEFAULT APPLICATION', 'Rename');
  await page.keyboard.type('Programs');
  await page.keyboard.press('Enter');
  await chooseOf(page, 'Menu of stage Programs', 'Describe');
  await page.keyboard.type('What people use');
  await page.keyboard.press('Enter');
  await expect(column(page, 'Programs')).toContainText('What people use');
  await chooseOf(page, 'Menu of stage Programs', 'Want approval before it starts');
  await column(page, 'Programs')
    .locator('.column-head')
    .dragTo(column(page, '2.DEFAULT CONTAINER'), { targetPosition: { x: 8, y: 40 } });
  await expectStages(page, ['0.DEFAULT DATABASE', '1.DEFAULT JOB', 'Programs', '2.DEFAULT CONTAINER']);
  const cache = card(page, 'cache').locator('.card-link');
  await cache.focus();
  await carry(page, cache, [
    ['Space', /is lifted/],
    ['ArrowLeft', /stage Programs/],
    ['Space', /is dropped: stage Programs/],
  ]);
  await expectCards(page, 'Programs', ['api', 'cache']);
  await chooseOf(page, 'Menu of cache', 'Skip');
  await expectCards(page, 'Skipped', ['cache']);
  await expectAccessible(page);
});

test('a_run_waits_for_approval_behind_it_others_queue_and_join_and_are_canceled', async ({ page, server, another }) => {
  await page.goto(server.url + ENVIRONMENT);
  await ask(page, 'Deploy', '1 service');
  await openRun(page, 'Deploy');
  await expect(page.getByText('Waits for your approval')).toBeVisible(DEPLOYED);
  const run = page.url();

  const other = await another();
  await other.goto(server.url + ENVIRONMENT);
  await ask(other, 'Restart', '1 service');
  await expect(other.getByText('Restart #4 is accepted')).toBeVisible();
  await ask(other, 'Restart', '1 service');
  await expect(other.getByText('Restart #4 is joined with what is queued')).toBeVisible();
  await tab(other, server, 'Deployments');
  const queue = other.getByRole('region', { name: 'Queue' });
  await expect(queue).toContainText('Restart #4');
  await expect(queue).toContainText('joined by');
  await expectAccessible(other);
  await picture(other, 'real-queue');
  await queue.getByRole('button', { name: 'Cancel #4' }).click();
  await expect(other.getByRole('row', { name: /Restart #4/ })).toContainText('canceled');

  await page.goto(run);
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(page.getByText('Approved by')).toBeVisible();
  await expect(state(page)).toContainText('succeeded', DEPLOYED);
  await expect(page.locator('.run-card')).toHaveCount(1);
});

test('a_build_that_takes_for_ever_is_canceled_after_a_question_and_what_ran_runs', async ({ page, server }) => {
  await tab(page, server, 'Board');
  await chooseOf(page, 'Menu of stage Programs', 'Want no approval');
  commit('flows/Dockerfile', `${TELLS}RUN echo it takes for ever && sleep 100000\n`);
  await ask(page, 'Deploy', '1 service');
  await openRun(page, 'Deploy');
  await page.locator('.run-card[data-service="api"]').click();
  await expect(page.locator('.log-text', { hasText: 'it takes for ever' }).last()).toBeVisible(DEPLOYED);
  await page.getByRole('button', { name: 'Cancel api…' }).click();
  await page.getByRole('button', { name: 'Cancel api', exact: true }).click();
  await expect(page.locator('.run-card[data-service="api"]')).toContainText('canceled', DEPLOYED);
  await expect(state(page)).toContainText('failed', DEPLOYED);
  await page.goto(server.url + ENVIRONMENT);
  await ask(page, 'Deploy', '1 service');
  await openRun(page, 'Deploy');
  await expect(page.locator('.run-card .phase').first()).toContainText('building', DEPLOYED);
  await page.getByRole('button', { name: 'Cancel…', exact: true }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Cancel deployment/ })
    .click();
  await expect(state(page)).toContainText('canceled', DEPLOYED);
  await page.goto(server.url + ENVIRONMENT);
  await expect(card(page, 'api')).toContainText('running');
});

test('targets_and_credentials_are_looked_at_and_set', async ({ page, server }) => {
  const kubeconfig = given('SLIPWAY_TEST_KUBECONFIG');
  await page.goto(`${server.url}/targets`);
  const targets = page.getByRole('row').filter({ hasText: kubeconfig });
  await expect(targets).toHaveCount(1);
  await page.getByLabel('Kubeconfig').fill(kubeconfig);
  await page.getByLabel('Context').fill('no-such-context');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByRole('alert')).toContainText('no-such-context');
  await page.getByLabel('Context').fill('');
  await page.getByRole('textbox', { name: 'Name' }).fill('second');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByText('The cluster answers, and is a target now')).toBeVisible();
  await expect(targets).toHaveCount(2);
  await expectAccessible(page);
  await picture(page, 'real-targets');

  await page.goto(`${server.url}/settings?project=paged`);
  const form = page.getByRole('form', { name: 'Set a credential of paged' });
  await form.getByLabel('Name').fill('robot');
  await form.getByLabel('Is sent to').fill('https://git.example/acme');
  await form.getByLabel('Password or token').fill('hunter2');
  await form.getByRole('button', { name: 'Set credential' }).click();
  const row = page.getByRole('row', { name: /robot/ });
  await expect(row).toContainText('https://git.example/acme');
  await row.getByRole('button', { name: 'Delete' }).click();
  await row.getByRole('button', { name: 'Delete robot' }).click();
  await expect(row).toBeHidden();
});

test('the_file_is_downloaded_and_all_is_stopped_and_deleted_when_the_name_is_typed', async ({ page, server }) => {
  await tab(page, server, 'File');
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download YAML' }).click(),
  ]);
  expect(saved.suggestedFilename()).toBe('paged-flows.yaml');
  expect(readFileSync(await saved.path(), 'utf8')).toBe(await fileOf(server));
  await tab(page, server, 'Board');
  await ask(page, 'Stop', '1 service');
  await expect(card(page, 'api')).toContainText('stopped', DEPLOYED);
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('textbox').fill('paged/flows');
  await page.getByRole('button', { name: 'Delete 2 services' }).click();
  await openRun(page, 'Delete');
  await expect(state(page)).toContainText('succeeded', DEPLOYED);
});
