/** What tests do on the board of an environment. */
import { expect, type Locator, type Page } from '@playwright/test';

/** The column of a stage, or of the skipped services. */
export function column(page: Page, name: string): Locator {
  return page.locator('.column').filter({ has: page.getByRole('heading', { name }) });
}

export function card(page: Page, service: string): Locator {
  return page.locator(`[data-service="${service}"]`);
}

/** The services that a column shows. */
export async function expectCards(page: Page, name: string, services: string[]): Promise<void> {
  await expect(column(page, name).locator('.card-link')).toHaveText(services);
}

export async function expectStages(page: Page, names: string[]): Promise<void> {
  await expect(page.locator('.stage-name')).toHaveText(names);
}

export async function chooseOf(page: Page, menu: string, item: string): Promise<void> {
  await page.getByRole('button', { name: menu, exact: true }).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

/** Presses keys on something that has the focus, each once the page has said what the one before did, and has drawn it where it is. */
export async function carry(page: Page, carried: Locator, keys: [string, RegExp][]): Promise<void> {
  for (const [key, said] of keys) {
    await expect(carried).toBeFocused();
    await page.keyboard.press(key);
    await expect(page.locator('[aria-live=assertive]')).toHaveText(said);
  }
}
