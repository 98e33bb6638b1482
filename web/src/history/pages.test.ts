import { expect, test } from 'vitest';
import type { PastDeployment, State } from '../run/wire';
import { joined } from './pages';

function past(number: number, state: State = 'succeeded'): PastDeployment {
  const head = {
    id: `d${number}`,
    number,
    project: 'p',
    environment: 'e',
    target: 't',
    action: 'deploy' as const,
    acceptedAt: '',
  };
  return { ...head, state, trigger: { source: 'cli', actor: 'ada' }, changes: [] };
}

test('pages_are_joined_newest_first_and_the_later_page_counts', () => {
  const known = joined([], [past(5, 'running'), past(4)]);
  const older = joined(known, [past(3), past(2)]);
  const fresh = joined(older, [past(6, 'queued'), past(5), past(4)]);
  expect(fresh.map((item) => `${item.number} ${item.state}`)).toEqual([
    '6 queued',
    '5 succeeded',
    '4 succeeded',
    '3 succeeded',
    '2 succeeded',
  ]);
});
