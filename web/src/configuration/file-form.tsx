/** The file as a form. */

import { listTargets } from './calls';
import type { Draft } from './draft';
import type { FileDocument } from './file-document';
import { FormProvider } from './form/form';
import { Problems } from './form/labelled';
import { ShapeFields } from './form/shape-fields';
import type { Path } from './path';
import type { Schema, SchemaReader } from './schema';
import { useLoaded } from './use-loaded';

/** Keys at the top that say what the document is; they never change. */
const CONSTANT = ['apiVersion', 'kind'];

export function FileForm(props: {
  draft: Draft;
  schema: SchemaReader;
  fixed: readonly string[];
  /** A part of the file alone. */
  part?: { path: Path; shape: Schema };
}) {
  const { draft, schema, fixed, part } = props;
  const document = draft.document.value;
  const { broken } = document;
  const targets = useLoaded(listTargets, []);
  if (broken !== null) {
    return (
      <p class="problem" role="status">
        There is no form as long as the text does not read: {broken} Mend it in the YAML view.
      </p>
    );
  }
  return (
    <FormProvider value={{ draft, schema, fixed, known: { target: names(targets.value ?? []), stage: stages(document) } }}>
      <Problems path={part?.path ?? []} />
      <ShapeFields path={part?.path ?? []} shape={part?.shape ?? schema.whole} without={part === undefined ? CONSTANT : []} />
    </FormProvider>
  );
}

function names(targets: readonly { name: string }[]): string[] {
  return targets.map((target) => target.name);
}

/** The stages that the file lists. */
function stages(document: FileDocument): string[] {
  const place = ['pipeline', 'stages'];
  return Array.from({ length: document.length(place) }, (_, index) => String(document.get([...place, index, 'name']) ?? ''));
}
