/** The calls of the API that an environment's pages make. */
import { address, send } from '../api/request';
import type { Edit } from '../board/pipeline';
import type { DeployBody, DeploymentHead, DeploymentView, EditedView, EnvironmentView, PipelineStageView } from './wire';

async function json<Answer>(path: string, init?: RequestInit): Promise<Answer> {
  const response = await send(new Request(address(path), init));
  return (await response.json()) as Answer;
}

function body(method: string, value: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method, body: JSON.stringify(value), headers: { 'Content-Type': 'application/json', ...headers } };
}

/** The path of an environment below `/api/v1`. */
export function environmentPath(project: string, name: string): string {
  return `/environments/${encodeURIComponent(project)}/${encodeURIComponent(name)}`;
}

export const listEnvironments = () => json<EnvironmentView[]>('/environments');

export const readEnvironment = (path: string) => json<EnvironmentView>(path);

export const readDeployments = async (path: string) =>
  (await json<{ items: DeploymentHead[] }>(`${path}/deployments?limit=20`)).items;

export const readDeployment = (id: string) => json<DeploymentView>(`/deployments/${encodeURIComponent(id)}`);

/** The stages, and the version of the environment that they are of. */
export async function readStages(path: string): Promise<{ version: number; stages: PipelineStageView[] }> {
  const response = await send(new Request(address(`${path}/stages`)));
  const tag = response.headers.get('ETag') ?? '';
  return { version: Number(tag.replaceAll('"', '')), stages: (await response.json()) as PipelineStageView[] };
}

export const deploy = (path: string, request: DeployBody) =>
  json<DeploymentView & { joined: boolean }>(`${path}/deployments`, body('POST', request));

/** Does one edit, if the environment still has this version. */
export function edit(path: string, edit: Edit, version: number): Promise<EditedView> {
  const match = { 'If-Match': `"${version}"` };
  const stage = (name: string) => `${path}/stages?stage=${encodeURIComponent(name)}`;
  switch (edit.do) {
    case 'place': {
      const { stage, skipped } = edit;
      return json(`${path}/services/${encodeURIComponent(edit.service)}`, body('PATCH', { stage, skipped }, match));
    }
    case 'add': {
      const { stage: name, description, approval } = edit;
      const position = edit.after === null ? 'first' : { after: edit.after };
      return json(`${path}/stages`, body('POST', { name, description, approval, position }, match));
    }
    case 'rename':
      return json(stage(edit.stage), body('PATCH', { name: edit.name }, match));
    case 'describe':
      return json(stage(edit.stage), body('PATCH', { description: edit.description }, match));
    case 'approve':
      return json(stage(edit.stage), body('PATCH', { approval: edit.approval }, match));
    case 'order':
      return json(`${path}/stages:order`, body('PUT', { stages: edit.stages }, match));
    case 'delete': {
      const to = edit.to === null ? '' : `&moveServicesTo=${encodeURIComponent(edit.to)}`;
      return json(`${stage(edit.stage)}${to}`, { method: 'DELETE', headers: match });
    }
  }
}
