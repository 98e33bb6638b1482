/** The calls of the API that an environment's pages make. */
import { answer, client } from '../api/client';
import { allItems } from '../api/pages';
import type { Edit } from '../board/pipeline';
import type { EditedView } from './wire';

/** Which environment, as the paths of the API name it. */
export interface Place {
  project: string;
  environment: string;
}

export const listEnvironments = () => allItems((query) => answer(client.GET('/api/v1/environments', { params: { query } })));

export const readEnvironment = (path: Place) =>
  answer(client.GET('/api/v1/environments/{project}/{environment}', { params: { path } }));

/** The stages with their services, what is wanted and what is deployed of each. */
export async function readBoard(path: Place) {
  const board = await answer(client.GET('/api/v1/environments/{project}/{environment}/board', { params: { path } }));
  return { ...board, stages: board.stages.map((stage) => ({ ...stage, defaultFor: stage.defaultFor ?? null })) };
}

const STAGES = '/api/v1/environments/{project}/{environment}/stages';

/** Does one edit, if the environment still has this version. */
export function edit(path: Place, edit: Edit, version: number): Promise<EditedView> {
  const header = { 'If-Match': `"${version}"` };
  const params = { path, header };
  const change = (stage: string, body: { name?: string; description?: string; approval?: 'required' | 'none' }) =>
    answer(client.PATCH(STAGES, { params: { ...params, query: { stage } }, body }));
  switch (edit.do) {
    case 'place': {
      const { service, stage, skipped } = edit;
      const body = { ...(stage !== undefined && { stage }), ...(skipped !== undefined && { skipped }) };
      const place = { params: { path: { ...path, service }, header }, body };
      return answer(client.PATCH('/api/v1/environments/{project}/{environment}/services/{service}', place));
    }
    case 'add': {
      const { stage: name, description, approval, after } = edit;
      const position = after === null ? ('first' as const) : { after };
      return answer(client.POST(STAGES, { params, body: { name, description, approval, position } }));
    }
    case 'rename':
      return change(edit.stage, { name: edit.name });
    case 'describe':
      return change(edit.stage, { description: edit.description });
    case 'approve':
      return change(edit.stage, { approval: edit.approval });
    case 'order':
      return answer(client.PUT(`${STAGES}:order`, { params, body: { stages: edit.stages } }));
    case 'delete': {
      const query = { stage: edit.stage, ...(edit.to !== null && { moveServicesTo: edit.to }) };
      return answer(client.DELETE(STAGES, { params: { ...params, query } }));
    }
  }
}
