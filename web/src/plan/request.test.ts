import { expect, test } from 'vitest';
import { bodyOf, doingOf, queryOf, wantedOf } from './request';

const wanted = (query: string) => wantedOf(new URLSearchParams(query));

test('an_address_says_the_whole_request_and_comes_back_from_it', () => {
  const query = 'action=rollback&service=api%40v2&service=web&runJobs=on&backTo=12';
  expect(wanted(query)).toEqual({
    action: 'rollback',
    services: [{ name: 'api', version: 'v2' }, { name: 'web' }],
    current: false,
    rebuild: false,
    runJobs: true,
    backTo: 12,
  });
  expect(String(queryOf(wanted(query)))).toBe(query);
  expect(String(queryOf(wanted('')))).toBe('');
});

test('nonsense_in_an_address_is_the_default', () => {
  expect(wanted('action=explode&backTo=x')).toEqual(wanted(''));
  expect(wanted('service=api@').services).toEqual([{ name: 'api' }]);
  expect(wanted('service=api@sha256:1@2').services).toEqual([{ name: 'api', version: 'sha256:1@2' }]);
});

test('an_option_that_means_nothing_to_the_action_is_not_sent', () => {
  expect(bodyOf(wanted('action=stop&service=api@v2&current=on&rebuild=on&runJobs=on&backTo=3'))).toEqual({
    action: 'stop',
    services: [{ name: 'api' }],
  });
  expect(bodyOf(wanted('service=api@v2&rebuild=on&backTo=3'))).toEqual({
    action: 'deploy',
    services: [{ name: 'api', version: 'v2' }],
    current: false,
    rebuild: true,
  });
  expect(bodyOf(wanted('action=rollback&backTo=3'))).toEqual({ action: 'rollback', services: [], runJobs: false, backTo: 3 });
  expect([doingOf(wanted('')), doingOf(wanted('action=rollback&backTo=3'))]).toEqual(['Deploy this', 'Roll back to #3']);
});
