/** Webhooks on the page, and what a git host posts to one. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, expectAccessible, picture, test } from './support';

test('a_webhook_is_made_shows_its_secret_once_and_what_it_told', async ({ page, server }) => {
  await page.goto(`${server.url}/settings`);
  const webhooks = page.getByRole('region', { name: 'Webhooks' });
  await expect(webhooks).toContainText('There is none');
  await webhooks.getByLabel('Who tells').selectOption('GitHub');
  await webhooks.getByLabel('Project').fill('demo');
  await webhooks.getByRole('button', { name: 'Make' }).click();
  await expect(webhooks).toContainText('The secret is not shown again');
  const [url, secret] = await webhooks.getByRole('status').locator('code').allTextContents();
  await expectAccessible(page);
  await picture(page, 'webhook-made');

  const body = readFileSync('../crates/adapters/hosts/samples/github-ping.json', 'utf8');
  const signature = createHmac('sha256', secret ?? '')
    .update(body)
    .digest('hex');
  const answer = await fetch(url ?? '', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'X-GitHub-Event': 'ping',
      'X-GitHub-Delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'X-Hub-Signature-256': `sha256=${signature}`,
    },
    body,
  });
  expect(answer.status).toBe(202);

  await page.reload();
  expect(await page.content()).not.toContain(secret);
  await webhooks.getByText('GitHub, for project demo').click();
  await expect(webhooks.getByRole('list', { name: 'Deliveries' })).toContainText('the host tried whether it is heard');
  await expect(webhooks).toContainText('a try from Codertocat/Hello-World');
  await expectAccessible(page);
  await picture(page, 'webhooks');
  await webhooks.getByRole('button', { name: 'Delete' }).click();
  await webhooks.getByRole('button', { name: 'Delete webhook of GitHub' }).click();
  await expect(webhooks).toContainText('There is none');
});
