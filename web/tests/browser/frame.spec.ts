import { expect, expectAccessible, picture, test } from './support';

test('the_first_view_shows_the_environments_and_reaches_whoever_uses_a_keyboard', async ({ page, server }) => {
  await page.goto(server.url);
  await expect(page.getByRole('link', { name: 'simulated' })).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'environments');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
});
