import { expect, type Server, test } from './support';

const LINES = 1_000_000;

test.use({ simulation: ['--services', '1', '--stages', '1', '--build', '200', '--rollout', '200'] });

/** A run that has ended; its log is made by the test, since a server takes minutes to write a million lines. */
async function ended(server: Server): Promise<string> {
  const path = '/environments/demo/simulated/deployments';
  const answer = await server.ask('POST', path, {}, { 'Content-Type': 'application/json' });
  const { id } = (await answer.json()) as { id: string };
  const state = async () => ((await (await server.ask('GET', `/deployments/${id}`)).json()) as { state: string }).state;
  await expect.poll(state, { timeout: 30_000 }).toBe('succeeded');
  return id;
}

test('a_million_lines_are_no_more_elements_than_a_few_and_each_can_be_reached', async ({ page, server }) => {
  const id = await ended(server);
  const line = (position: number) => ({
    number: 2 * position,
    position,
    at: '2026-01-01T00:00:00Z',
    service: 'service-001',
    phase: 'build',
    text: `line ${position} of many`,
  });
  await page.route('**/log-sections', (route) =>
    route.fulfill({ json: [{ service: 'service-001', phase: 'build', first: 2, last: 2 * LINES, lines: LINES }] }),
  );
  await page.route(/\/logs\?/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const from = Number(query.get('at') ?? Number(query.get('cursor')) / 2 + 1);
    const count = Math.max(0, Math.min(Number(query.get('limit')), LINES - Math.floor(from) + 1));
    return route.fulfill({ json: { items: Array.from({ length: count }, (_, index) => line(Math.floor(from) + index)) } });
  });
  await page.goto(`${server.url}/deployments/${id}?service=service-001`);
  await expect(page.getByText('line 1 of many')).toBeVisible();
  const scroller = page.locator('.log-scroll');
  const begun = Date.now();
  await scroller.evaluate((element) => {
    element.scrollTop = (element.scrollHeight - element.clientHeight) / 2;
  });
  await expect(page.getByText('line 500000 of many')).toBeVisible();
  await scroller.evaluate((element) => {
    element.scrollTop = element.scrollHeight;
  });
  await expect(page.getByText(`line ${LINES} of many`)).toBeVisible();
  expect(Date.now() - begun).toBeLessThan(5000);
  expect(await page.locator('.log-line').count()).toBeLessThan(200);
  await page.goto(`${server.url}/deployments/${id}?service=service-001&phase=build&line=1500000`);
  await expect(page.locator('.log-line.is-linked')).toContainText('line 750000 of many');
  await expect(page.locator('.log-line.is-linked')).toBeInViewport();
});
