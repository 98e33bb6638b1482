import { expect, expectAccessible, picture, test } from './support';

test('who_is_not_signed_in_is_asked_and_gets_in_with_the_token_of_the_server', async ({ browser, server }) => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(server.url);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'sign-in');
  await page.getByLabel(/paste/).fill('nonsense');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('token');
  await page.getByLabel(/paste/).fill(server.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('navigation', { name: 'Server' })).toBeVisible();
  await page.context().close();
});
