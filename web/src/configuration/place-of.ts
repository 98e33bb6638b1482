import type { EnvironmentStore } from '../environment/store';
import type { Place } from './calls';

/** Which environment a page is about, as paths of the API name it. */
export function placeOf({ project, name }: EnvironmentStore): Place {
  return { project, environment: name };
}
