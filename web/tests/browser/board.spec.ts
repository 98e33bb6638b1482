import type { Page } from '@playwright/test';
import { card, carry, chooseOf, column, expectCards, expectStages } from './board-parts';
import { expect, expectAccessible, picture, type Server, test } from './support';

const ENVIRONMENT = '/environments/demo/simulated';

/** The stages as the server has them, with their services; a skipped one ends with `!`. */
async function stored(server: Server): Promise<Record<string, string[]>> {
  const answer = await server.ask('GET', `${ENVIRONMENT}/stages`);
  const stages = (await answer.json()) as { name: string; services: { name: string; skipped: boolean }[] }[];
  return Object.fromEntries(
    stages.map((stage) => [stage.name, stage.services.map(({ name, skipped }) => (skipped ? `${name}!` : name))]),
  );
}

async function open(page: Page, server: Server): Promise<void> {
  await page.goto(server.url + ENVIRONMENT);
  await expect(card(page, 'service-001')).toBeVisible();
}

test.use({ simulation: ['--services', '6', '--stages', '3', '--build', '800', '--rollout', '500'] });

test('a_card_that_is_dragged_to_another_column_moves_and_undo_brings_it_back', async ({ page, server }) => {
  await open(page, server);
  await expectCards(page, 'Stage 01', ['service-001', 'service-002']);
  await card(page, 'service-001').dragTo(column(page, 'Stage 02'));
  await expectCards(page, 'Stage 01', ['service-002']);
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 02': ['service-001', 'service-003', 'service-004'] });
  await page.getByRole('button', { name: 'Undo' }).click();
  await expectCards(page, 'Stage 01', ['service-001', 'service-002']);
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 01': ['service-001', 'service-002'] });
});

test('a_card_that_is_dropped_on_the_skipped_column_is_skipped_and_comes_back_by_a_drop_on_a_stage', async ({
  page,
  server,
}) => {
  await open(page, server);
  await card(page, 'service-003').dragTo(column(page, 'Skipped'));
  await expectCards(page, 'Skipped', ['service-003']);
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 02': ['service-003!', 'service-004'] });
  await card(page, 'service-003').dragTo(column(page, 'Stage 01'));
  await expectCards(page, 'Skipped', []);
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 01': ['service-001', 'service-002', 'service-003'] });
});

test('a_column_that_is_dragged_by_its_head_changes_the_order', async ({ page, server }) => {
  await open(page, server);
  await column(page, 'Stage 03')
    .locator('.column-head')
    .dragTo(column(page, 'Stage 01'), { targetPosition: { x: 8, y: 40 } });
  await expectStages(page, ['Stage 03', 'Stage 01', 'Stage 02']);
  await expect.poll(async () => Object.keys(await stored(server))).toEqual(['Stage 03', 'Stage 01', 'Stage 02']);
});

test('the_keyboard_alone_moves_cards_and_columns_and_says_so', async ({ page, server }) => {
  await open(page, server);
  const link = card(page, 'service-002').getByRole('link');
  const spoken = page.locator('[aria-live=assertive]');
  await link.focus();
  await page.keyboard.press('ArrowUp');
  await expect(card(page, 'service-001').getByRole('link')).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await expect(spoken).toContainText('service-002 is lifted, stage Stage 01, column 2 of 4');
  await page.keyboard.press('ArrowRight');
  await expectCards(page, 'Stage 02', ['service-003', 'service-004', 'service-002']);
  await expect(link).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(spoken).toHaveText('service-002 is put back');
  await expectCards(page, 'Stage 01', ['service-001', 'service-002']);
  await expect(link).toBeFocused();
  await carry(page, link, [
    ['Space', /is lifted/],
    ['ArrowRight', /column 3 of 4/],
    ['ArrowRight', /column 4 of 4/],
    ['Space', /^service-002 is dropped: stage Stage 03, column 4 of 4$/],
  ]);
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 03': ['service-002', 'service-005', 'service-006'] });
  await expect(link).toBeFocused();
  const third = page.getByRole('button', { name: 'Stage 03', exact: true });
  await third.focus();
  await carry(page, third, [
    ['Space', /is lifted/],
    ['ArrowLeft', /place 2 of 3/],
    ['ArrowLeft', /place 1 of 3/],
    ['Space', /is dropped/],
  ]);
  await expectStages(page, ['Stage 03', 'Stage 01', 'Stage 02']);
  await expect.poll(async () => Object.keys(await stored(server))).toEqual(['Stage 03', 'Stage 01', 'Stage 02']);
  await page.keyboard.press('u');
  await expectStages(page, ['Stage 01', 'Stage 02', 'Stage 03']);
});

test('the_menu_of_a_card_does_what_dragging_does', async ({ page, server }) => {
  await open(page, server);
  await card(page, 'service-001').getByRole('link').focus();
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: 'Move to…' }).press('Enter');
  await page.getByRole('radio', { name: /Stage 03/ }).check();
  await page.getByRole('button', { name: 'Move', exact: true }).click();
  await expectCards(page, 'Stage 03', ['service-001', 'service-005', 'service-006']);
  await chooseOf(page, 'Menu of service-001', 'Skip');
  await expectCards(page, 'Skipped', ['service-001']);
  await expect(card(page, 'service-001').getByRole('link')).toBeFocused();
  await chooseOf(page, 'Menu of service-001', 'Skip no more (back to Stage 03)');
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 03': ['service-001', 'service-005', 'service-006'] });
});

test('stages_are_added_renamed_described_and_deleted_in_place_and_undo_brings_them_back', async ({ page, server }) => {
  await open(page, server);
  await page.getByRole('button', { name: '+ Add stage' }).click();
  await page.keyboard.type('Checks');
  await page.keyboard.press('Enter');
  await expectStages(page, ['Stage 01', 'Stage 02', 'Stage 03', 'Checks']);
  await expect(page.getByRole('button', { name: 'Checks', exact: true })).toBeFocused();
  await chooseOf(page, 'Menu of stage Checks', 'Rename');
  await page.keyboard.type('Smoke tests');
  await page.keyboard.press('Enter');
  await expectStages(page, ['Stage 01', 'Stage 02', 'Stage 03', 'Smoke tests']);
  await expect(page.getByRole('button', { name: 'Smoke tests', exact: true })).toBeFocused();
  await chooseOf(page, 'Menu of stage Smoke tests', 'Describe');
  await page.keyboard.type('After everything else');
  await page.keyboard.press('Enter');
  await expect(column(page, 'Smoke tests')).toContainText('After everything else');
  await chooseOf(page, 'Menu of stage Smoke tests', 'Want approval before it starts');
  await expect(column(page, 'Smoke tests')).toContainText('wants approval');
  await chooseOf(page, 'Menu of stage Stage 01', 'Delete…');
  const question = page.getByRole('dialog', { name: 'Delete stage Stage 01' });
  await question.getByRole('combobox').selectOption('Smoke tests');
  await question.getByRole('button', { name: 'Delete stage' }).click();
  await expectStages(page, ['Stage 02', 'Stage 03', 'Smoke tests']);
  await expect.poll(() => stored(server)).toMatchObject({ 'Smoke tests': ['service-001', 'service-002'] });
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await expectStages(page, ['Stage 01', 'Stage 02', 'Stage 03', 'Smoke tests']);
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 01': ['service-001', 'service-002'], 'Smoke tests': [] });
});

test('a_name_that_is_taken_is_refused_and_the_board_shows_what_is', async ({ page, server }) => {
  await open(page, server);
  await chooseOf(page, 'Menu of stage Stage 01', 'Rename');
  await page.keyboard.type('Stage 02');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('Stage 02');
  await expectStages(page, ['Stage 01', 'Stage 02', 'Stage 03']);
});

test('what_somebody_else_changes_appears_without_a_reload', async ({ page, server, another }) => {
  const other = await another();
  await Promise.all([open(page, server), open(other, server)]);
  await card(other, 'service-001').dragTo(column(other, 'Stage 03'));
  await expectCards(page, 'Stage 03', ['service-001', 'service-005', 'service-006']);
  await expect(page.getByRole('status')).toContainText('Changed elsewhere: service-001 is in Stage 03');
  await expect(other.getByRole('status')).not.toContainText('Changed elsewhere');
});

test('a_deployment_that_somebody_else_starts_is_live_on_the_board', async ({ page, server }) => {
  await open(page, server);
  await server.ask('POST', `${ENVIRONMENT}/deployments`, {}, { 'Content-Type': 'application/json' });
  await expect(page.locator('.active-deployment')).toContainText('deploy #1');
  await expect(card(page, 'service-001')).toContainText(/building|fetching|releasing/);
  await expect(page.locator('.last-deployment')).toContainText('succeeded');
  await expect(card(page, 'service-006')).toContainText('#1');
});

test('a_connection_that_is_lost_is_told_and_comes_back', async ({ page, server }) => {
  const stream = `**/api/v1${ENVIRONMENT}/events`;
  await page.route(stream, (route) => route.abort());
  await open(page, server);
  await expect(page.getByText('the connection is lost')).toBeVisible();
  await page.unroute(stream);
  await expect(page.getByText('the connection is lost')).toBeHidden();
  await expect(page.locator('.environment-head')).toContainText('stopped');
});

test('an_edit_of_what_somebody_else_has_just_changed_is_told_and_overwrites_nothing', async ({ page, server, another }) => {
  const other = await another();
  await Promise.all([open(page, server), open(other, server)]);
  // The other browser does not hear of the change before it edits.
  const edit = other.waitForRequest((request) => request.method() === 'PATCH');
  await other.route('**/services/service-001', async (route) => {
    const body = { stage: 'Stage 02' };
    await server.ask('PATCH', `${ENVIRONMENT}/services/service-001`, body, { 'Content-Type': 'application/json' });
    await route.continue();
  });
  await card(other, 'service-001').dragTo(column(other, 'Stage 03'));
  await edit;
  const conflict = other.getByRole('alert');
  await expect(conflict).toContainText('Changed elsewhere: service-001 is in Stage 02');
  await expectCards(other, 'Stage 02', ['service-001', 'service-003', 'service-004']);
  expect(await stored(server)).toMatchObject({ 'Stage 02': ['service-001', 'service-003', 'service-004'] });
  await other.unroute('**/services/service-001');
  await conflict.getByRole('button', { name: 'Do it again' }).click();
  await expect.poll(() => stored(server)).toMatchObject({ 'Stage 03': ['service-001', 'service-005', 'service-006'] });
  await expect(conflict).toBeHidden();
});

test('while_a_deployment_runs_the_same_cards_carry_it_and_an_edit_counts_from_the_next', async ({ page, server }) => {
  await open(page, server);
  await page.getByRole('button', { name: 'Deploy…' }).click();
  await page.getByRole('button', { name: 'Deploy 6 services' }).click();
  await expect(card(page, 'service-001')).toContainText(/building|fetching/);
  await expect(column(page, 'Stage 01').locator('.stage-state')).toContainText('running');
  await expect(column(page, 'Stage 03').locator('.stage-state')).toContainText('queued');
  await chooseOf(page, 'Menu of service-006', 'Skip');
  await expect(page.getByRole('status')).toContainText('service-006 is skipped. It counts from the next deployment');
  await expect(card(page, 'service-001')).toContainText('#1');
  await expect(card(page, 'service-006')).toContainText('succeeded');
  await expect(page.locator('.active-deployment')).toBeHidden();
});

test('a_delete_wants_the_name_typed', async ({ page, server }) => {
  await open(page, server);
  await page.getByRole('button', { name: 'Delete…' }).click();
  const remove = page.getByRole('button', { name: 'Delete 6 services' });
  await expect(remove).toBeDisabled();
  await page.getByRole('textbox').fill('demo/simulated');
  await expect(remove).toBeEnabled();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page.getByRole('button', { name: 'Delete…' })).toBeFocused();
});

test('the_board_is_accessible_light_and_dark_and_narrow', async ({ page, server }) => {
  await open(page, server);
  await expectAccessible(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  await expectAccessible(page);
  await page.emulateMedia({ colorScheme: null });
  await picture(page, 'board');
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test('the_list_follows_what_is_done_to_an_environment', async ({ page, server }) => {
  await page.goto(server.url);
  const row = page.getByRole('listitem').filter({ hasText: 'simulated' });
  await expect(row).toContainText('never deployed');
  await server.ask('POST', `${ENVIRONMENT}/deployments`, {}, { 'Content-Type': 'application/json' });
  await expect(row).toContainText('deploy #1');
  await expect(row).toContainText('succeeded');
});

test('the_list_tells_how_each_environment_is_and_keeps_its_filter_in_the_address', async ({ page, server }) => {
  await page.goto(server.url);
  const row = page.getByRole('listitem').filter({ hasText: 'simulated' });
  await expect(row).toContainText('6 services');
  await expect(row).toContainText('never deployed');
  await expectAccessible(page);
  await picture(page, 'environments');
  await page.getByRole('searchbox').fill('nowhere');
  await expect(page).toHaveURL(/filter=nowhere/);
  await expect(row).toBeHidden();
  await page.reload();
  await expect(page.getByRole('searchbox')).toHaveValue('nowhere');
  await page.getByRole('searchbox').fill('');
  await row.getByRole('link', { name: 'simulated' }).click();
  await expect(page).toHaveURL(`${server.url}${ENVIRONMENT}`);
  await expect(card(page, 'service-001')).toBeVisible();
});
