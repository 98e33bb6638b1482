/** Notifications on the page, and a receiver that checks what it is told. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, expectAccessible, picture, test } from './support';

/** A receiver on loopback that takes one message after another, and answers with the statuses in turn. */
async function receiver(statuses: number[]) {
  const heard: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      heard.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, heard, close: () => server.close() };
}

test('a_notification_is_made_shows_its_secret_once_is_tried_and_deleted', async ({ page, server }) => {
  const ear = await receiver([204, 500]);
  await page.goto(`${server.url}/settings`);
  const notifications = page.getByRole('region', { name: 'Notifications' });
  await expect(notifications).toContainText('Nobody is told');
  await notifications.getByLabel('Name').fill('audit');
  await notifications.getByLabel('URL').fill('http://169.254.169.254/');
  await notifications.getByRole('button', { name: 'Make' }).click();
  await expect(notifications).toContainText('is a metadata address');
  await notifications.getByLabel('URL').fill(ear.url);
  await notifications.getByLabel('Projects').fill('demo, shop-*');
  await notifications.getByLabel('failed').check();
  await notifications.getByRole('button', { name: 'Make' }).click();
  await expect(notifications).toContainText('it is not shown again');
  const secret = (await notifications.getByRole('status').locator('code').textContent()) ?? '';
  expect(secret).toMatch(/^whsec_/);
  await expectAccessible(page);
  await picture(page, 'notification-made');

  await page.reload();
  expect(await page.content()).not.toContain(secret);
  await notifications.getByText('audit: webhook, failed of demo, shop-*').click();
  await expect(notifications).toContainText('It was told nothing yet');
  await notifications.getByRole('button', { name: 'Test' }).click();
  const messages = notifications.getByRole('list', { name: 'Messages' });
  await expect(messages).toContainText('delivered 204');
  const { headers, body } = ear.heard[0] ?? { headers: {}, body: '' };
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  await notifications.getByRole('button', { name: 'Test' }).click();
  await expect(messages).toContainText('failed 500');
  await expectAccessible(page);
  await picture(page, 'notifications');
  await notifications.getByRole('button', { name: 'Delete' }).click();
  await notifications.getByRole('button', { name: 'Delete notification audit' }).click();
  await expect(notifications).toContainText('Nobody is told');
  ear.close();
});
