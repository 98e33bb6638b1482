/** The file as text. */
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { CodeEditor } from './code-editor';
import type { Draft } from './draft';
import type { SchemaReader } from './schema';

export function YamlView(props: { draft: Draft; schema: SchemaReader; place: { line: number; column: number } | null }) {
  const { draft, schema, place } = props;
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<CodeEditor | null>(null);
  useEffect(() => {
    if (host.current === null) return;
    const made = new CodeEditor(host.current, draft.text.peek(), 'Environment file, YAML', schema, (text) => draft.edit(text));
    made.setProblems(draft.problems.peek());
    editor.current = made;
    return () => made.close();
  }, [draft, schema]);
  useSignalEffect(() => {
    editor.current?.setText(draft.text.value);
  });
  useSignalEffect(() => {
    editor.current?.setProblems(draft.problems.value);
  });
  useEffect(() => {
    if (place !== null) editor.current?.show(place.line, place.column);
  }, [place]);
  return (
    <>
      <div class="code-editor" ref={host} data-testid="yaml" />
      <p class="quiet">Ctrl+Space completes. Escape, then Tab leaves the editor.</p>
    </>
  );
}
