/** The calls of the API that clone. */
import { answer, client } from '../api/client';
import type { components } from '../api/schema';
import type { Place } from '../environment/calls';

export type CloneBody = components['schemas']['CloneBody'];
export type ServiceCloneBody = components['schemas']['ServiceCloneBody'];
export type ClonedView = components['schemas']['ClonedView'];

export const cloneEnvironment = (path: Place, body: CloneBody): Promise<ClonedView> =>
  answer(client.POST('/api/v1/environments/{project}/{environment}/clone', { params: { path }, body }));

export const cloneService = (path: Place, service: string, body: ServiceCloneBody): Promise<ClonedView> =>
  answer(
    client.POST('/api/v1/environments/{project}/{environment}/services/{service}/clone', {
      params: { path: { ...path, service } },
      body,
    }),
  );
