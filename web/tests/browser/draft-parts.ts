/** What tests do with a draft of a file, in its form or its text. */
import type { Page } from '@playwright/test';

/** Types into the editor of YAML in the place of all that is there. */
export async function write(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(text);
}

/** Looks at what changes, and has it stored. */
export async function apply(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Review and apply' }).click();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
}

/** A field of the form, by its path in the file. */
export function field(page: Page, path: string) {
  return page.locator(`[id="field-${path}"]`);
}
