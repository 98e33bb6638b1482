/** Environments and services cloned in a browser. */
import { chooseOf } from './board-parts';
import { expect, expectAccessible, picture, type Server, test } from './support';

const ENVIRONMENT = '/environments/demo/simulated';

test.use({ simulation: ['--services', '3', '--stages', '2'] });

async function services(server: Server, environment: string): Promise<string[]> {
  const view = await (await server.ask('GET', environment)).json();
  return view.services.map((service: { name: string }) => service.name);
}

test('an_environment_is_cloned_and_its_board_is_shown', async ({ page, server }) => {
  const before = await (await server.ask('GET', ENVIRONMENT)).json();
  await page.goto(server.url + ENVIRONMENT);
  await page.getByRole('button', { name: 'Clone…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Clone demo/simulated' });
  await expect(dialog.getByRole('button', { name: 'Clone' })).toBeDisabled();
  await dialog.getByLabel('Name').fill('simulated');
  await dialog.getByLabel('Mode').selectOption('staging');
  await dialog.getByLabel('service-002').uncheck();
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await expect(dialog.getByRole('alert')).toContainText('there is an environment demo/simulated already');
  await expectAccessible(page);
  await picture(page, 'clone-environment');
  await dialog.getByLabel('Name').fill('copy');
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await expect(page).toHaveURL(`${server.url}/environments/demo/copy`);
  await expect(page.getByRole('heading', { name: 'demo/copy' })).toBeVisible();
  await expect(page.locator('.card-link')).toHaveText(['service-001', 'service-003']);
  await expect(page.getByText('demo/copy is made.')).toBeVisible();
  expect((await (await server.ask('GET', '/environments/demo/copy')).json()).mode).toBe('staging');
  expect(await (await server.ask('GET', ENVIRONMENT)).json()).toEqual(before);
});

test('a_service_is_cloned_into_another_environment', async ({ page, server }) => {
  const other = 'apiVersion: slipway.dev/v1\nkind: Environment\nproject: mall\nname: other\n';
  expect((await server.ask('POST', '/environments:apply', other)).ok).toBe(true);
  await page.goto(server.url + ENVIRONMENT);
  const clone = async () => {
    await chooseOf(page, 'Menu of service-001', 'Clone to…');
    await page.getByLabel('To the environment').selectOption('mall/other');
  };
  await clone();
  await expectAccessible(page);
  await picture(page, 'clone-service');
  await page.getByRole('button', { name: 'Clone', exact: true }).click();
  await expect(page.getByText('service-001 is in mall/other now.')).toBeVisible();
  expect(await services(server, '/environments/mall/other')).toEqual(['service-001']);
  await clone();
  await page.getByRole('button', { name: 'Clone', exact: true }).click();
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('mall/other has a service `service-001` already');
  await page.getByLabel('Its name there').fill('second');
  await page.getByRole('button', { name: 'Clone', exact: true }).click();
  await expect(page.getByText('second is in mall/other now.')).toBeVisible();
  await page.getByRole('button', { name: 'Open' }).last().click();
  await expect(page.locator('.card-link')).toHaveText(['service-001', 'second']);
});
