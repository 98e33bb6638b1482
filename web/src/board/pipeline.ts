/**
 * The stages of an environment as the board holds them, and edits of them. An edit is applied here at once and by the server a moment
 * later; every edit has edits that undo it. All of it is pure.
 */
import type { Approval, PipelineServiceView, PipelineStageView } from '../environment/wire';

/** An edit of a pipeline, as the API takes it. */
export type Edit =
  | { do: 'place'; service: string; stage?: string; skipped?: boolean }
  | { do: 'add'; stage: string; description: string; approval: Approval; after: string | null }
  | { do: 'rename'; stage: string; name: string }
  | { do: 'describe'; stage: string; description: string }
  | { do: 'approve'; stage: string; approval: Approval }
  | { do: 'order'; stages: string[] }
  | { do: 'delete'; stage: string; to: string | null };

export type Stages = readonly PipelineStageView[];

/** What the pipeline is after an edit. An edit of what is not there changes nothing. */
export function applied(stages: Stages, edit: Edit): Stages {
  switch (edit.do) {
    case 'place':
      return placed(stages, edit);
    case 'add':
      return added(stages, edit);
    case 'rename':
      return changed(stages, edit.stage, (stage) => ({ ...stage, name: edit.name, defaultFor: null }));
    case 'describe':
      return changed(stages, edit.stage, (stage) => ({ ...stage, description: edit.description }));
    case 'approve':
      return changed(stages, edit.stage, (stage) => ({ ...stage, approval: edit.approval }));
    case 'order':
      return numbered(edit.stages.flatMap((name) => stages.find((stage) => stage.name === name) ?? []));
    case 'delete':
      return deleted(stages, edit);
  }
}

function changed(stages: Stages, name: string, change: (stage: PipelineStageView) => PipelineStageView): Stages {
  return stages.map((stage) => (stage.name === name ? change(stage) : stage));
}

function placed(stages: Stages, edit: Edit & { do: 'place' }): Stages {
  const now = find(stages, edit.service);
  if (now === undefined) return stages;
  const service = edit.skipped === undefined ? now.service : { ...now.service, skipped: edit.skipped };
  if (edit.stage === undefined || edit.stage === now.stage.name) {
    const swap = (known: PipelineServiceView) => (known.name === service.name ? service : known);
    return changed(stages, now.stage.name, (stage) => ({ ...stage, services: stage.services.map(swap) }));
  }
  if (!stages.some((stage) => stage.name === edit.stage)) return stages;
  const without = changed(stages, now.stage.name, (stage) => ({
    ...stage,
    services: stage.services.filter((known) => known.name !== service.name),
  }));
  return changed(without, edit.stage, (stage) => ({ ...stage, services: [...stage.services, service] }));
}

function added(stages: Stages, edit: Edit & { do: 'add' }): Stages {
  const { stage: name, description, approval } = edit;
  const stage: PipelineStageView = { order: 0, name, description, defaultFor: null, approval, services: [] };
  const place = edit.after === null ? 0 : stages.findIndex((known) => known.name === edit.after) + 1;
  return numbered(stages.toSpliced(place, 0, stage));
}

function deleted(stages: Stages, edit: Edit & { do: 'delete' }): Stages {
  const gone = stages.find((stage) => stage.name === edit.stage);
  if (gone === undefined) return stages;
  const rest = stages.filter((stage) => stage !== gone);
  if (edit.to === null) return numbered(rest);
  return numbered(changed(rest, edit.to, (stage) => ({ ...stage, services: [...stage.services, ...gone.services] })));
}

function numbered(stages: Stages): Stages {
  return stages.map((stage, order) => (stage.order === order ? stage : { ...stage, order }));
}

/** A service and the stage that it is in. */
export function find(stages: Stages, service: string): { stage: PipelineStageView; service: PipelineServiceView } | undefined {
  for (const stage of stages) {
    const found = stage.services.find((known) => known.name === service);
    if (found !== undefined) return { stage, service: found };
  }
  return undefined;
}

/** The edits that bring back what the pipeline was before an edit. */
export function inverse(before: Stages, edit: Edit): Edit[] {
  if (edit.do === 'place') {
    const now = find(before, edit.service);
    if (now === undefined) return [];
    return [{ do: 'place', service: edit.service, stage: now.stage.name, skipped: now.service.skipped }];
  }
  if (edit.do === 'add') return [{ do: 'delete', stage: edit.stage, to: null }];
  if (edit.do === 'order') return [{ do: 'order', stages: before.map((stage) => stage.name) }];
  const stage = before.find((known) => known.name === edit.stage);
  if (stage === undefined) return [];
  if (edit.do === 'rename') return [{ do: 'rename', stage: edit.name, name: edit.stage }];
  if (edit.do === 'describe') return [{ do: 'describe', stage: edit.stage, description: stage.description }];
  if (edit.do === 'approve') return [{ do: 'approve', stage: edit.stage, approval: stage.approval }];
  const { name, description, approval } = stage;
  const after = before[before.indexOf(stage) - 1]?.name ?? null;
  const back = stage.services.map((service): Edit => ({ do: 'place', service: service.name, stage: name }));
  return [{ do: 'add', stage: name, description, approval, after }, ...back];
}

/** What an edit does, as a sentence. */
export function told(edit: Edit): string {
  switch (edit.do) {
    case 'place':
      if (edit.skipped === true) return `${edit.service} is skipped`;
      if (edit.stage !== undefined) return `${edit.service} is in ${edit.stage}`;
      return `${edit.service} is not skipped any more`;
    case 'add':
      return `stage ${edit.stage} is new`;
    case 'rename':
      return `stage ${edit.stage} is called ${edit.name}`;
    case 'describe':
      return `the description of stage ${edit.stage} is changed`;
    case 'approve':
      return edit.approval === 'required' ? `stage ${edit.stage} wants approval` : `stage ${edit.stage} wants no approval`;
    case 'order':
      return 'the order of the stages is changed';
    case 'delete':
      return `stage ${edit.stage} is deleted`;
  }
}

/** Whether an edit would leave everything as it is. */
export function isIdle(stages: Stages, edit: Edit): boolean {
  return difference(stages, applied(stages, edit)).length === 0;
}

/** Whether what an edit did is still so: nobody has changed it since. */
export function stands(stages: Stages, edit: Edit): boolean {
  if (edit.do === 'add') return stages.some((stage) => stage.name === edit.stage);
  if (edit.do === 'rename') return stages.some((stage) => stage.name === edit.name);
  return isIdle(stages, edit);
}

/** What is different between two pipelines, each a part of a sentence. */
export function difference(before: Stages, now: Stages): string[] {
  const changes: string[] = [];
  const stageBefore = new Map(before.map((stage) => [stage.name, stage]));
  const stageNow = new Map(now.map((stage) => [stage.name, stage]));
  for (const name of stageNow.keys()) if (!stageBefore.has(name)) changes.push(`stage ${name} is new`);
  for (const name of stageBefore.keys()) if (!stageNow.has(name)) changes.push(`stage ${name} is gone`);
  const kept = before.filter((stage) => stageNow.has(stage.name)).map((stage) => stage.name);
  const keptNow = now.filter((stage) => stageBefore.has(stage.name)).map((stage) => stage.name);
  if (kept.join('\n') !== keptNow.join('\n')) changes.push('the stages have another order');
  for (const [name, stage] of stageNow) {
    const known = stageBefore.get(name);
    if (known === undefined) continue;
    if (known.description !== stage.description) changes.push(`stage ${name} has another description`);
    if (known.approval !== stage.approval) {
      changes.push(stage.approval === 'required' ? `stage ${name} wants approval` : `stage ${name} wants no approval`);
    }
  }
  return [...changes, ...serviceDifference(before, now)];
}

function serviceDifference(before: Stages, now: Stages): string[] {
  const changes: string[] = [];
  const places = placesOf(before);
  const placesNow = placesOf(now);
  for (const [name, { stage, skipped }] of placesNow) {
    const known = places.get(name);
    if (known === undefined) changes.push(`${name} is new in ${stage}`);
    else {
      if (known.stage !== stage) changes.push(`${name} is in ${stage}`);
      if (known.skipped !== skipped) changes.push(skipped ? `${name} is skipped` : `${name} is not skipped any more`);
    }
  }
  for (const name of places.keys()) if (!placesNow.has(name)) changes.push(`${name} is gone`);
  return changes;
}

function placesOf(stages: Stages): Map<string, { stage: string; skipped: boolean }> {
  const places = new Map<string, { stage: string; skipped: boolean }>();
  for (const { name: stage, services } of stages) {
    for (const { name, skipped } of services) places.set(name, { stage, skipped });
  }
  return places;
}
