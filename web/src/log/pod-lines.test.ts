import { expect, test } from 'vitest';
import { PodLines } from './pod-lines';

const line = (pod: string, text: string) => ({ name: 'line', data: { pod, container: 'main', text } });

test('lines_are_shown_in_the_order_they_come_with_their_pods', () => {
  const lines = new PodLines('/x', undefined);
  for (const event of [line('api-1', 'a'), line('api-2', 'b'), line('api-1', 'c')]) lines.take(event);
  lines.flush();
  expect([lines.count.value, lines.pods.value, lines.at(2)?.text]).toEqual([3, ['api-1', 'api-2'], 'c']);
});

test('the_oldest_lines_are_let_go_of_when_there_are_too_many', () => {
  const lines = new PodLines('/x', undefined);
  for (let number = 0; number < 150_000; number += 1) lines.take(line('api-1', String(number)));
  lines.flush();
  expect([lines.count.value, lines.dropped.value, lines.at(0)?.text]).toEqual([100_000, 50_000, '50000']);
});

test('the_end_and_a_problem_are_told', () => {
  const lines = new PodLines('/x', undefined);
  lines.take({ name: 'problem', data: { code: 'pod-unavailable', detail: 'there is no pod' } });
  lines.take({ name: 'end', data: {} });
  expect([lines.problem.value?.code, lines.ended.value]).toEqual(['pod-unavailable', true]);
});
