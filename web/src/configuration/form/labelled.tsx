import type { ComponentChildren } from 'preact';
import type { Path } from '../path';
import type { Schema } from '../schema';
import { idOf, useProblems } from './form';
import { Meaning } from './meaning';

/** What every field has around it: its name, what it means, and what is wrong with it. */
export function Labelled(props: {
  path: Path;
  property: Schema;
  required: boolean;
  /** Whether the name is that of a group of controls, not of one. */
  group?: boolean;
  children: ComponentChildren;
}) {
  const { path, property, required, children } = props;
  const id = idOf(path);
  const label = (
    <>
      {property.title}
      {required && <span class="quiet"> required</span>}
    </>
  );
  return (
    <div class="form-field">
      {props.group === true ? (
        <span class="form-label" id={`${id}-label`}>
          {label}
        </span>
      ) : (
        <label class="form-label" for={id}>
          {label}
        </label>
      )}
      <div class="form-control">
        {children}
        <p class="form-help quiet" id={`${id}-help`}>
          <Meaning text={property.description} />
        </p>
        <Problems path={path} />
      </div>
    </div>
  );
}

/** What the server says against a place. */
export function Problems({ path }: { path: Path }) {
  const problems = useProblems(path);
  if (problems.length === 0) return null;
  return (
    <ul class="form-problems" id={`${idOf(path)}-problems`}>
      {problems.map(({ message }) => (
        <li key={message}>{message}</li>
      ))}
    </ul>
  );
}

/** What ties a control to its help and its problems. */
export function useDescribed(path: Path) {
  const id = idOf(path);
  const isWrong = useProblems(path).length > 0;
  return { id, 'aria-describedby': isWrong ? `${id}-problems ${id}-help` : `${id}-help`, 'aria-invalid': isWrong };
}
