import { defineConfig } from '@playwright/test';

export default defineConfig({
  // Each with a folder of its own: Playwright empties it, and the pictures in test-results/pictures stay.
  projects: [
    // Each test starts a server with simulated builds and rollouts.
    { name: 'simulated', testDir: 'tests/browser', outputDir: 'test-results/simulated' },
    // On a server that runs already, which deploys for real: SLIPWAY_TEST_URL and SLIPWAY_TEST_TOKEN. See tests/end_to_end/page.rs.
    { name: 'real', testDir: 'tests/real', outputDir: 'test-results/real' },
    // The pictures of the README, of the demo that runs. See dev/pictures.
    { name: 'pictures', testDir: 'tests/pictures', outputDir: 'test-results/readme' },
  ],
  // Two cores, and each test has a server of its own.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['html', { open: 'never', outputFolder: 'playwright-report' }]],
  use: {
    headless: true,
    actionTimeout: 30_000,
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.SLIPWAY_TEST_CHROMIUM ?? '/usr/bin/chromium',
      // Without these Chromium calls its maker's hosts, and as root it does not start at all.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
