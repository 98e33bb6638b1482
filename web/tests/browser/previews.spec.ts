/** Environments for pull requests in a browser. */
import { giteaHook } from './hook';
import { expect, expectAccessible, picture, test } from './support';

const FILE = `apiVersion: slipway.dev/v1
kind: Environment
project: mall
name: staging
previews: {enabled: true}
services:
- name: api
  application: {git: {url: 'https://git.test/acme/mall.git', branch: main}}
`;

test.use({ simulation: ['--services', '2', '--stages', '1', '--build', '300', '--rollout', '300'] });

function request(action: string) {
  const repository = {
    id: 7,
    full_name: 'acme/mall',
    clone_url: 'https://git.test/acme/mall.git',
    ssh_url: 'git@git.test:acme/mall.git',
  };
  const side = (ref: string) => ({ ref, sha: '0123456789'.repeat(4), repo: repository });
  return {
    action,
    number: 7,
    pull_request: {
      title: 'A feature',
      html_url: 'https://git.test/acme/mall/pulls/7',
      merged: action === 'closed',
      head: side('feature'),
      base: side('main'),
    },
    repository,
    sender: { login: 'ada' },
  };
}

test('a_request_brings_its_preview_into_the_list_and_takes_it_away_again', async ({ page, server }) => {
  expect((await server.ask('POST', '/environments:apply', FILE)).ok).toBe(true);
  const tell = await giteaHook(server);
  await page.goto(server.url);
  await expect(page.getByRole('link', { name: 'staging', exact: true })).toBeVisible();
  await tell('pull_request', 'opened', request('opened'));
  await page.getByRole('link', { name: 'staging-pr-7' }).click();
  await expect(page.getByRole('heading', { name: 'mall/staging-pr-7' })).toBeVisible();
  const link = page.getByRole('link', { name: 'acme/mall #7' });
  await expect(link.first()).toHaveAttribute('href', 'https://git.test/acme/mall/pulls/7');
  await expect(page.locator('.environment-head')).toContainText('preview of staging for acme/mall #7, A feature');
  await expectAccessible(page);
  await picture(page, 'preview');
  await page.goto(server.url);
  await tell('pull_request', 'closed', request('closed'));
  await expect(page.getByRole('link', { name: 'staging-pr-7' })).toHaveCount(0);
});
