import { CopyButton } from '../components/copy-button';
import { plain } from '../log/ansi';
import { errorLink } from './links';
import type { Failure, Phase } from './wire';

/** Why a service failed: what, the last lines, what to do next. */
export function FailurePanel(props: { service: string; phase: Phase; failure: Failure; number: number }) {
  const { service, phase, failure, number } = props;
  const command = `slipway logs ${service}${phase === 'build' ? ' --build' : ''} --deployment ${number}`;
  const lines = failure.lastLines ?? [];
  return (
    <section class="failure" aria-label={`Why ${service} failed`}>
      <p>
        <strong>
          The {phase} of {service} failed: {failure.message}
        </strong>{' '}
        <a href={errorLink(failure.code)} target="_blank" rel="noreferrer">
          {failure.code}
        </a>
      </p>
      {lines.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <pre class="failure-lines" tabIndex={0}>
          {lines.map(plain).join('\n')}
        </pre>
      )}
      {failure.hint !== undefined && <p>Next: {failure.hint}</p>}
      <p class="command">
        <code>{command}</code>
        <CopyButton text={command} />
      </p>
    </section>
  );
}
