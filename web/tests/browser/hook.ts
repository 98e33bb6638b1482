/** A webhook of a server under test, told as Gitea tells. */
import { createHmac } from 'node:crypto';
import { expect, type Server } from './support';

/** Makes a webhook, and returns what posts a signed delivery of an event to it. */
export async function giteaHook(server: Server) {
  const made = await server.ask('POST', '/webhooks', { host: 'gitea' }, { 'Content-Type': 'application/json' });
  const { url, secret }: { url: string; secret: string } = await made.json();
  return async (event: string, delivery: string, told: unknown): Promise<void> => {
    const body = JSON.stringify(told);
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Gitea-Event': event,
        'X-Gitea-Delivery': delivery,
        'X-Gitea-Signature': createHmac('sha256', secret).update(body).digest('hex'),
      },
      body,
    });
    expect(answer.status).toBe(202);
  };
}
