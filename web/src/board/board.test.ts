import { expect, test } from 'vitest';
import { type ProblemDetails, Refusal } from '../api/request';
import type { EditedView } from '../environment/wire';
import { Board, type Pipeline } from './board';
import { applied, type Edit, type Stages } from './pipeline';
import { membersOf, stagesOf } from './testing';

const SHOP = stagesOf({ data: ['db'], jobs: [], apps: ['api', 'web'] });
const MOVE: Edit = { do: 'place', service: 'api', stage: 'jobs', skipped: false };
const SKIP: Edit = { do: 'place', service: 'web', skipped: true };

function refusal(status: number): Refusal {
  const problem: ProblemDetails = { type: 'about:blank', title: 'no', status, detail: 'no', code: 'no' };
  return new Refusal(problem);
}

/** A server that checks versions, as the real one does, and answers when it is told to. */
class Server {
  pipeline: Pipeline = { version: 7, stages: SHOP };
  readonly board: Board;
  readonly versions: number[] = [];
  readonly undos: (readonly Edit[])[] = [];
  readonly told: string[] = [];
  #gates: (() => void)[] = [];
  #isHeld = false;

  constructor() {
    this.board = new Board({
      send: (edit, version) => this.#send(edit, version),
      read: async () => this.pipeline,
      done: (_, undo) => this.undos.push(undo),
      changed: (changes) => this.told.push(...changes),
    });
    this.board.take(this.pipeline);
  }

  /** Somebody else does an edit. */
  other(edit: Edit): void {
    this.pipeline = { version: this.pipeline.version + 1, stages: applied(this.pipeline.stages, edit) };
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    for (const open of this.#gates.splice(0)) open();
  }

  async #send(edit: Edit, version: number): Promise<EditedView> {
    this.versions.push(version);
    if (this.#isHeld) await new Promise<void>((open) => this.#gates.push(open));
    if (version !== this.pipeline.version) throw refusal(412);
    this.other(edit);
    const stages = [...this.pipeline.stages];
    return { project: 'shop', name: 'staging', version: this.pipeline.version, changes: [], stages };
  }
}

const shown = (board: Board): Record<string, string[]> => membersOf(board.stages.value);

test('an_edit_is_shown_before_the_server_answers_and_carries_the_version_that_was_shown', async () => {
  const server = new Server();
  server.hold();
  const done = server.board.edit(MOVE);
  expect(shown(server.board)).toEqual({ data: ['db'], jobs: ['api'], apps: ['web'] });
  server.release();
  await done;
  expect(server.versions).toEqual([7]);
  expect(server.board.version).toBe(8);
});

test('edits_go_one_after_the_other_each_with_the_version_of_the_one_before', async () => {
  const server = new Server();
  await Promise.all([server.board.edit(MOVE), server.board.edit(SKIP)]);
  await expect.poll(() => server.undos.length).toBe(2);
  expect(server.versions).toEqual([7, 8]);
  expect(shown(server.board)).toEqual({ data: ['db'], jobs: ['api'], apps: ['web!'] });
});

test('undo_brings_back_what_was_before_the_edit', async () => {
  const server = new Server();
  await server.board.edit({ do: 'delete', stage: 'apps', to: 'data' });
  await server.board.edit(...(server.undos[0] ?? []));
  expect(shown(server.board)).toEqual({ data: ['db'], jobs: [], apps: ['api', 'web'] });
});

test('an_edit_of_a_version_that_is_gone_overwrites_nothing_and_tells_what_changed', async () => {
  const server = new Server();
  server.other({ do: 'place', service: 'api', stage: 'data', skipped: false });
  await server.board.edit(MOVE);
  expect(membersOf(server.pipeline.stages)).toEqual({ data: ['db', 'api'], jobs: [], apps: ['web'] });
  expect(shown(server.board)).toEqual({ data: ['db', 'api'], jobs: [], apps: ['web'] });
  expect(server.board.conflict.value).toEqual({ edits: [MOVE], changes: ['api is in data'] });
  server.board.again();
  await expect.poll(() => shown(server.board)).toEqual({ data: ['db'], jobs: ['api'], apps: ['web'] });
  expect(server.board.conflict.value).toBeNull();
});

test('what_comes_after_a_refused_edit_is_not_sent', async () => {
  const server = new Server();
  server.hold();
  const first = server.board.edit(MOVE);
  void server.board.edit(SKIP);
  server.other({ do: 'describe', stage: 'data', description: 'stores' });
  server.release();
  await first;
  expect(server.versions).toEqual([7]);
  expect(server.board.conflict.value?.edits).toEqual([MOVE, SKIP]);
  expect(server.undos).toEqual([]);
});

test('what_others_change_appears_and_is_told', () => {
  const server = new Server();
  server.other(MOVE);
  server.board.take(server.pipeline);
  expect(shown(server.board)).toEqual({ data: ['db'], jobs: ['api'], apps: ['web'] });
  expect(server.told).toEqual(['api is in jobs']);
});

test('an_older_version_that_comes_late_changes_nothing', async () => {
  const server = new Server();
  const before = server.pipeline;
  await server.board.edit(MOVE);
  server.board.take(before);
  expect(shown(server.board)).toEqual({ data: ['db'], jobs: ['api'], apps: ['web'] });
});

test('the_event_of_an_edit_of_ones_own_is_not_told_as_somebody_elses', async () => {
  const server = new Server();
  server.hold();
  const done = server.board.edit(MOVE);
  const next: Stages = applied(SHOP, MOVE);
  server.board.take({ version: 8, stages: next });
  server.release();
  await done;
  expect(server.told).toEqual([]);
  expect(server.board.version).toBe(8);
});

test('a_refusal_puts_the_card_back_and_says_why', async () => {
  const server = new Server();
  const board = new Board({
    send: async () => {
      throw refusal(409);
    },
    read: async () => server.pipeline,
    done: () => {},
    changed: () => {},
  });
  board.take(server.pipeline);
  await board.edit(MOVE);
  expect(shown(board)).toEqual({ data: ['db'], jobs: [], apps: ['api', 'web'] });
  expect(board.problem.value?.status).toBe(409);
});

test('an_edit_that_changes_nothing_is_not_sent', async () => {
  const server = new Server();
  await server.board.edit({ do: 'place', service: 'api', stage: 'apps', skipped: false });
  expect(server.versions).toEqual([]);
});
