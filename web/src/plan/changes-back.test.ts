import { expect, test } from 'vitest';
import type { PastDeployment, VersionChange } from '../run/wire';
import { changesBack } from './changes-back';

function past(changes: VersionChange[]): PastDeployment {
  const head = { id: '', number: 1, project: 'p', environment: 'e', target: 't', action: 'deploy' as const, acceptedAt: '' };
  return { ...head, state: 'succeeded', trigger: { source: 'cli', actor: 'ada' }, changes };
}

test('going_back_over_deployments_undoes_their_changes_together', () => {
  const newestFirst = [
    past([{ service: 'api', from: 'v2', to: 'v3' }]),
    past([
      { service: 'api', from: 'v1', to: 'v2' },
      { service: 'web', from: 'v7', to: 'v8' },
    ]),
  ];
  expect(changesBack(newestFirst)).toEqual([
    { service: 'api', from: 'v3', to: 'v1' },
    { service: 'web', from: 'v8', to: 'v7' },
  ]);
});

test('what_came_back_by_itself_and_what_is_new_does_not_change', () => {
  const newestFirst = [
    past([{ service: 'api', from: 'v2', to: 'v1' }]),
    past([
      { service: 'api', from: 'v1', to: 'v2' },
      { service: 'new', to: 'v1' },
    ]),
  ];
  expect(changesBack(newestFirst)).toEqual([]);
});
