/** Environments, variables, secrets, targets and credentials, edited in a browser. */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { apply, field, write } from './draft-parts';
import { expect, expectAccessible, picture, type Server, test } from './support';

const ENVIRONMENT = '/environments/demo/simulated';

async function file(server: Server): Promise<string> {
  return (await server.ask('GET', `${ENVIRONMENT}/file`, undefined, { Accept: 'application/yaml' })).text();
}

test('an_environment_is_made_from_a_form', async ({ page, server }) => {
  await page.goto(`${server.url}/new`);
  await page.getByLabel('Name', { exact: false }).first().fill('blog');
  await page.getByLabel('Project').fill('press');
  await page.getByRole('button', { name: 'Add service' }).click();
  await field(page, 'services[0].name').fill('web');
  await page.getByLabel('Kind').selectOption('container');
  await field(page, 'services[0].container.image.name').fill('nginx');
  await field(page, 'services[0].container.image-kind').selectOption('tag');
  await field(page, 'services[0].container.image.tag').fill('1.27');
  await expect(page.getByText('Valid')).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'new-environment');
  await page.getByRole('button', { name: 'Review and make' }).click();
  await page.getByRole('button', { name: 'Make the environment' }).click();
  await expect(page).toHaveURL(`${server.url}/environments/press/blog`);
  const made = await (await server.ask('GET', '/environments/press/blog')).json();
  expect(made.services).toMatchObject([{ name: 'web', kind: 'container' }]);
});

test('a_new_environment_never_takes_the_place_of_one_that_is_there', async ({ page, server }) => {
  const before = await file(server);
  await page.goto(`${server.url}/new?view=yaml`);
  await write(page, 'apiVersion: slipway.dev/v1\nkind: Environment\nproject: demo\nname: simulated\nmode: production\n');
  await page.getByRole('button', { name: 'Review and make' }).click();
  await expect(page.getByRole('alert')).toContainText('there is an environment demo/simulated already');
  expect(await file(server)).toBe(before);
});

test('a_mistake_is_shown_at_its_line_and_at_its_field', async ({ page, server }) => {
  await page.goto(`${server.url}${ENVIRONMENT}/file?view=yaml`);
  await expect(page.locator('.cm-content')).toBeVisible();
  const text = await file(server);
  await write(page, text.replace('mode: phased', '').replace(/^pipeline:$/m, 'pipeline:\n  maxParallelBuilds: 0'));
  const problem = page.getByRole('region', { name: 'Problems of the file' });
  await expect(problem).toContainText('expected a number from 1 to 1000');
  await problem.getByRole('button').click();
  await expect(page.locator('.cm-lint-marker-error')).toBeVisible();
  await picture(page, 'file-yaml');
  await page.getByRole('button', { name: 'Form' }).click();
  const field = page.getByLabel('Max parallel builds');
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await expect(field).toHaveAccessibleDescription(/expected a number from 1 to 1000/);
  await expectAccessible(page);
  await picture(page, 'file-form');
  await field.fill('3');
  await expect(field).toHaveAttribute('aria-invalid', 'false');
  await page.getByRole('button', { name: 'Review and apply' }).click();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(page.getByText(/Applied as version 2/)).toBeVisible();
  expect(await file(server)).toContain('maxParallelBuilds: 3');
});

test('settings_are_a_view_of_the_same_file_and_others_edits_are_told', async ({ page, server, another }) => {
  const other = await another();
  for (const one of [page, other]) {
    await one.goto(`${server.url}${ENVIRONMENT}`);
    await one.getByRole('navigation', { name: 'Environment' }).getByRole('link', { name: 'Settings' }).click();
    await expect(one.getByLabel('Max parallel builds')).toBeVisible();
  }
  await expect(page.getByText('Stages', { exact: true })).toHaveCount(0);
  await page.getByLabel('On failure').selectOption('fail-fast');
  await page.getByLabel('Max parallel deploys').fill('3');
  await expect(page.getByText('Valid; 2 changes')).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'settings');
  await other.getByLabel('Max parallel builds').fill('5');
  await page.getByRole('button', { name: 'Review and apply' }).click();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(page.getByText(/Applied as version 2/)).toBeVisible();
  const stored = await file(server);
  expect(stored).toContain('onFailure: fail-fast');
  expect(stored).toContain('maxParallelDeploys: 3');
  await expect(other.getByRole('alert')).toContainText('changed');
  expect(await file(server)).not.toContain('maxParallelBuilds');
});

test('schedules_are_set_as_settings_and_the_next_run_is_told', async ({ page, server }) => {
  const text = `${await file(server)}schedules: [{timezone: Europe/Paris, stop: {weekdays: [monday, friday], time: '20:00'}}]\n`;
  expect((await server.ask('POST', '/environments:apply', text)).status).toBe(200);
  await page.goto(`${server.url}${ENVIRONMENT}/settings`);
  await expect(page.locator('.environment-head')).toContainText('stops by its schedule');
  await page.getByRole('button', { name: 'Europe/Paris stop', exact: true }).click();
  await field(page, 'schedules[0].timezone').fill('Mars/Olympus');
  await expect(page.getByText('expected an IANA time zone').first()).toBeVisible();
  await field(page, 'schedules[0].timezone').fill('UTC');
  await expect(page.getByText('Valid; 1 change')).toBeVisible();
  await expectAccessible(page);
  await apply(page);
  await expect(page.getByText(/Applied as version 3/)).toBeVisible();
  const { nextRuns } = await (await server.ask('GET', ENVIRONMENT)).json();
  expect(nextRuns).toHaveLength(3);
  expect(nextRuns[0]).toMatchObject({ action: 'stop', at: expect.stringMatching(/T20:00:00Z$/) });
});

test('who_is_told_is_set_as_a_setting_and_listed_among_the_notifications', async ({ page, server }) => {
  const text = `${await file(server)}notifications: [{kind: webhook, url: 'https://hooks.example/x', events: [failed]}]\n`;
  expect((await server.ask('POST', '/environments:apply', text)).status).toBe(200);
  await page.goto(`${server.url}${ENVIRONMENT}/settings`);
  await page.getByRole('button', { name: 'webhook', exact: false }).first().click();
  await field(page, 'notifications[0].url').fill('http://169.254.169.254/');
  await expect(page.getByText('is a metadata address').first()).toBeVisible();
  await field(page, 'notifications[0].url').fill('https://hooks.example/y');
  await expect(page.getByText('Valid; 1 change')).toBeVisible();
  await expectAccessible(page);
  await apply(page);
  await expect(page.getByText(/Applied as version 3/)).toBeVisible();
  await page.goto(`${server.url}/settings`);
  const notifications = page.getByRole('region', { name: 'Notifications' });
  await notifications.getByText('of demo/simulated: webhook, failed').click();
  await expect(notifications).toContainText('https://hooks.example/y');
  await expect(notifications).toContainText('It stands in the configuration of demo/simulated.');
});

test('of_two_browsers_the_second_is_told_and_overwrites_nothing_unasked', async ({ page, server, another }) => {
  const other = await another();
  for (const one of [page, other]) {
    await one.goto(`${server.url}${ENVIRONMENT}/file`);
    await expect(one.getByLabel('Max parallel builds').or(one.getByRole('button', { name: 'Set pipeline' }))).toBeVisible();
  }
  const apply = async (one: Page, builds: string) => {
    await one.getByLabel('Max parallel builds').fill(builds);
    await one.getByRole('button', { name: 'Review and apply' }).click();
    await one.getByRole('button', { name: 'Apply', exact: true }).click();
  };
  await page.getByLabel('Max parallel builds').fill('5');
  await apply(other, '4');
  await expect(other.getByText(/Applied as version 2/)).toBeVisible();
  // The page follows the environment: it is told before anything is sent.
  const told = page.getByRole('alert', { name: 'Changed elsewhere' });
  await expect(told).toContainText('version 2');
  await expect(told).toContainText('maxParallelBuilds: 4');
  await expect(page.getByLabel('Max parallel builds')).toHaveValue('5');
  expect(await file(server)).toContain('maxParallelBuilds: 4');
  await picture(page, 'file-conflict');
  await page.getByRole('button', { name: /Keep my text/ }).click();
  await page.getByRole('button', { name: 'Review and apply' }).click();
  await expect(page.getByRole('region', { name: 'Lines that change' })).toContainText('maxParallelBuilds: 5');
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(page.getByText(/Applied as version 3/)).toBeVisible();
});

test('what_a_project_gives_reaches_its_environments_and_can_not_be_taken_from_under_them', async ({ page, server }) => {
  await page.goto(server.url);
  await page.getByRole('link', { name: 'demo', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Project demo' })).toBeVisible();
  await expect(page.getByText('The project declares none')).toBeVisible();
  await page.getByRole('button', { name: 'Add variable' }).click();
  await page.getByLabel('Name', { exact: true }).fill('LEVEL');
  await page.getByLabel('Value of LEVEL').fill('info');
  await page.getByRole('button', { name: 'Add to secrets' }).click();
  await page.getByLabel('secrets 1', { exact: true }).fill('TOKEN');
  await expect(page.getByText('Valid; 2 changes')).toBeVisible();
  await apply(page);
  await expect(page.getByText(/Applied as version 1/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Undo all' })).toBeDisabled();
  await expect(page.getByText('1 secret has no value')).toBeVisible();
  await page.getByLabel('New value of TOKEN').fill('hunter2');
  await page.getByRole('button', { name: 'Set TOKEN' }).click();
  await expect(page.getByText('set, never shown')).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'project');

  const taking = `${await file(server)}variables: {OWN: '{{LEVEL}}'}\n`;
  expect((await server.ask('POST', '/environments:apply', taking)).status).toBe(200);
  await page.getByRole('link', { name: 'simulated' }).click();
  await page.getByRole('link', { name: 'Variables' }).click();
  await expect(page.getByText('Of the project demo: LEVEL')).toBeVisible();
  await page.getByRole('combobox', { name: 'Service' }).selectOption('service-001');
  await expect(page.getByRole('row', { name: /LEVEL info the project/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /OWN .* the environment · stands on LEVEL/ })).toBeVisible();

  await page.getByRole('link', { name: 'Of the project demo' }).click();
  await page.getByLabel('Name', { exact: true }).fill('LEVELS');
  await expect(page.getByRole('alert')).toContainText('demo/simulated, variables.OWN: nothing defines `{{LEVEL}}`');
});

test('rules_of_a_project_are_set_on_its_page_and_an_environment_that_is_open_tells_its_run', async ({
  page,
  server,
  another,
}) => {
  const open = await another();
  await open.goto(`${server.url}${ENVIRONMENT}`);
  await expect(open.locator('.environment-head')).not.toContainText('stops by');
  await page.goto(`${server.url}/projects/demo`);
  await page.getByRole('button', { name: 'Add schedule rule' }).click();
  await field(page, 'schedules[0].environments').fill('simul* ');
  await expect(page.getByText('expected a pattern').first()).toBeVisible();
  await field(page, 'schedules[0].environments').fill('simul*');
  await field(page, 'schedules[0].timezone').fill('Europe/Paris');
  await page.getByRole('button', { name: 'Set stop' }).click();
  await field(page, 'schedules[0].stop.time').fill('19:30');
  await page.getByRole('checkbox', { name: 'monday' }).check();
  await expectAccessible(page);
  await apply(page);
  await expect(page.getByText(/Applied as version 1/)).toBeVisible();
  await expect(open.locator('.environment-head')).toContainText('stops by the project’s rule simul*');
  await expect(open.locator('.environment-head time')).toHaveAttribute('title', /7:30.*Europe\/Paris/);
});

test('a_secret_is_set_and_never_shown', async ({ page, server }) => {
  await server.ask('POST', '/environments:apply', `${await file(server)}secrets: [STRIPE_KEY]\n`);
  await page.goto(`${server.url}${ENVIRONMENT}/variables`);
  const row = page.getByRole('row', { name: /STRIPE_KEY/ });
  await expect(row).toContainText('not set');
  const bodies: Promise<string>[] = [];
  page.on('response', (response) => {
    const isStream = response.headers()['content-type']?.startsWith('text/event-stream') === true;
    if (!isStream) bodies.push(response.text().catch(() => ''));
  });
  await page.getByLabel('New value of STRIPE_KEY').fill('hunter2-hunter2');
  await row.getByRole('button', { name: 'Set' }).click();
  await expect(row).toContainText('set, never shown');
  await expect(page.getByLabel('New value of STRIPE_KEY')).toHaveValue('');
  await page.reload();
  await expect(row).toContainText('set, never shown');
  expect(await page.content()).not.toContain('hunter2');
  expect((await Promise.all(bodies)).join('')).not.toContain('hunter2');
  await expectAccessible(page);
  await picture(page, 'variables');
});

test('where_a_variable_comes_from_is_told', async ({ page, server }) => {
  const text = (await file(server)).replace(/^services:/m, 'variables: {LEVEL: info}\nservices:');
  await server.ask('POST', '/environments:apply', text);
  const [service] = (await (await server.ask('GET', ENVIRONMENT)).json()).services;
  await page.goto(`${server.url}${ENVIRONMENT}/variables?service=${service.name}`);
  const own = page.getByRole('group', { name: `Of ${service.name}` });
  await own.getByRole('button', { name: 'Add variable' }).click();
  await own.getByLabel('Name', { exact: true }).fill('LEVEL');
  await own.getByLabel('Name', { exact: true }).press('Tab');
  await own.getByLabel('Value of LEVEL').fill('debug');
  const row = page.getByRole('table', { name: `What ${service.name} sees` }).getByRole('row', { name: /LEVEL/ });
  await expect(row).toContainText('in the place of that of the environment');
});

test('the_configuration_of_a_service_is_edited_on_its_page', async ({ page, server }) => {
  const [service] = (await (await server.ask('GET', ENVIRONMENT)).json()).services;
  await page.goto(`${server.url}${ENVIRONMENT}/services/${service.name}`);
  await page.getByLabel('Memory').first().fill('256Mi');
  await expectAccessible(page);
  await picture(page, 'service');
  await page.getByRole('button', { name: 'Review and apply' }).click();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(page.getByText(/Applied as version 2/)).toBeVisible();
  expect(await file(server)).toContain('memory: 256Mi');
});

test('the_file_is_downloaded_as_yaml_and_as_json', async ({ page, server }) => {
  await page.goto(`${server.url}${ENVIRONMENT}/file`);
  const download = async (name: string) => {
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
    return { name: saved.suggestedFilename(), text: readFileSync(await saved.path(), 'utf8') };
  };
  expect(await download('Download YAML')).toEqual({ name: 'demo-simulated.yaml', text: await file(server) });
  const json = await download('Download JSON');
  expect(json.name).toBe('demo-simulated.json');
  expect(JSON.parse(json.text)).toMatchObject({ kind: 'Environment', project: 'demo', name: 'simulated' });
});

test('credentials_are_set_listed_and_deleted_without_what_is_secret_in_them', async ({ page, server }) => {
  await page.goto(`${server.url}/settings?project=demo`);
  const form = page.getByRole('form', { name: 'Set a credential of demo' });
  await form.getByLabel('Name').fill('robot');
  await form.getByLabel('Is sent to').fill('https://git.example/acme');
  await form.getByLabel('Password or token').fill('hunter2-hunter2');
  await form.getByRole('button', { name: 'Set credential' }).click();
  const row = page.getByRole('row', { name: /robot/ });
  await expect(row).toContainText('https://git.example/acme');
  await expect(form.getByLabel('Password or token')).toHaveValue('');
  expect(await page.content()).not.toContain('hunter2');
  await expectAccessible(page);
  await picture(page, 'settings');
  await row.getByRole('button', { name: 'Delete' }).click();
  await row.getByRole('button', { name: 'Delete robot' }).click();
  await expect(row).toBeHidden();
});

test('a_cluster_that_does_not_fit_is_refused_and_one_that_answers_is_a_target', async ({ page, server }) => {
  await page.goto(`${server.url}/targets`);
  await page.getByLabel('Kubeconfig').fill('relative/path');
  await page.getByLabel('Context').fill('dev');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByText('is no absolute path')).toBeVisible();
  await page.getByLabel('Kubeconfig').fill('/etc/kubeconfig');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByRole('row', { name: /dev/ })).toContainText('/etc/kubeconfig');
  await expectAccessible(page);
  await picture(page, 'targets');
});

test('the_theme_is_chosen_and_kept', async ({ page, server }) => {
  await page.goto(`${server.url}/settings`);
  await page.getByRole('button', { name: 'Dark' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.getByRole('button', { name: 'As the system' }).click();
  await expect(page.locator('html')).not.toHaveAttribute('data-theme');
});
