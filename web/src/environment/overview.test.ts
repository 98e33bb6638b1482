import { expect, test } from 'vitest';
import { OverviewStore } from './overview';
import type { OverviewView } from './wire';

const shop = (name: string, services = 1): OverviewView => ({ project: 'shop', name, mode: 'staging', version: 1, services });

test('an_event_adds_an_environment_or_takes_the_place_of_what_was_told_before', () => {
  const store = new OverviewStore();
  for (const data of [shop('staging'), shop('live'), shop('staging', 2)]) store.take({ name: 'environment', data });
  expect(store.environments.value).toEqual([shop('live'), shop('staging', 2)]);
  store.take({ name: 'removed', data: { project: 'shop', name: 'live' } });
  expect(store.environments.value).toEqual([shop('staging', 2)]);
});

test('a_stream_that_begins_anew_tells_all_there_is', () => {
  const store = new OverviewStore();
  store.take({ name: 'begin', data: {} });
  for (const data of [shop('staging'), shop('live')]) store.take({ name: 'environment', data });
  store.take({ name: 'begin', data: {} });
  store.take({ name: 'environment', data: shop('live') });
  expect(store.environments.value).toEqual([shop('live')]);
});
