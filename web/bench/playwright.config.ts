import { defineConfig } from '@playwright/test';
import browser from '../playwright.config';

export default defineConfig({
  ...browser,
  projects: [{ name: 'bench', testDir: '.', outputDir: '../test-results/bench' }],
  timeout: 600_000,
  reporter: 'list',
  // A trace takes a picture of the page at every change, which would be what is measured.
  use: { ...browser.use, trace: 'off' },
});
