import { Link } from 'wouter-preact';
import { CopyButton } from './copy-button';

/** A place where nothing is yet, and what to do about it. */
export function EmptyState(props: { title: string; text?: string; command?: string; next?: string; nextText?: string }) {
  return (
    <section class="empty">
      <h1>{props.title}</h1>
      {props.text !== undefined && <p>{props.text}</p>}
      {props.command !== undefined && (
        <p class="command">
          <code>{props.command}</code>
          <CopyButton text={props.command} />
        </p>
      )}
      {props.next !== undefined && <Link href={props.next}>{props.nextText ?? props.next}</Link>}
    </section>
  );
}
