/** A small pipeline for tests. */
import type { PipelineStageView } from '../environment/wire';
import type { Stages } from './pipeline';

/** Stages by name, with their services; a service whose name ends with `!` is skipped. */
export function stagesOf(members: Record<string, string[]>): Stages {
  return Object.entries(members).map(
    ([name, services], order): PipelineStageView => ({
      order,
      name,
      description: `about ${name}`,
      defaultFor: null,
      approval: 'none',
      services: services.map((service) => ({
        name: service.replace('!', ''),
        kind: 'container',
        skipped: service.endsWith('!'),
      })),
    }),
  );
}

/** The other way round, to compare with. */
export function membersOf(stages: Stages): Record<string, string[]> {
  return Object.fromEntries(
    stages.map(({ name, services }) => [name, services.map((service) => service.name + (service.skipped ? '!' : ''))]),
  );
}
