/** A stage as a column, or the skipped services. */
import { useSignal } from '@preact/signals';
import { memo } from 'preact/compat';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { StateMark } from '../components/state-mark';
import { useEnvironment } from '../environment/store';
import { useHand } from './board-hand';
import { CardView } from './card-view';
import { ColumnHead } from './column-head';
import { type Column, reordered, SKIPPED } from './columns';
import { type Dragged, dragSource, dropColumn, type Landing } from './drag';
import { drop } from './lift';

export const ColumnView = memo(function ColumnView({ column }: { column: Column }) {
  const hand = useHand();
  const element = useRef<HTMLElement>(null);
  const head = useRef<HTMLElement>(null);
  const landing = useSignal<Landing>(null);
  const id = useId();
  const { key } = column;
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const show = (now: Landing) => {
      landing.value = now;
    };
    const dropped = (dragged: Dragged, where: Landing) => {
      if ('service' in dragged) hand.edit(drop(dragged.service, key));
      else if (key !== SKIPPED && where !== null) {
        const names = hand.board.stages.peek().map((stage) => stage.name);
        hand.edit({ do: 'order', stages: reordered(names, dragged.stage, key, where === 'after' ? 'after' : 'before') });
      }
    };
    const endDrop = dropColumn(current, key, show, dropped);
    const endDrag = key === SKIPPED || head.current === null ? undefined : dragSource(current, { stage: key }, head.current);
    return () => {
      endDrop();
      endDrag?.();
    };
  }, [hand, key]);
  const carried = hand.carried.value;
  const isCarried = carried?.what === 'stage' && carried.name === key;
  return (
    <section
      ref={element}
      class={`column ${key === SKIPPED ? 'skipped-column' : ''} ${isCarried ? 'carried' : ''}`}
      data-empty={column.services.length === 0}
      data-landing={landing.value}
      aria-labelledby={id}
    >
      <ColumnHead column={column} id={id} head={head} />
      {key !== SKIPPED && <StageState name={key} />}
      <ul class="cards">
        {column.services.map((name) => (
          <CardView key={name} card={hand.board.card(name)} />
        ))}
        {landing.value === 'inside' && <li class="landing">Lands here</li>}
      </ul>
      {column.services.length === 0 && landing.value === null && (
        <p class="quiet column-empty">
          {key === SKIPPED ? 'Drop a service here to leave it out of deployments of the whole environment' : 'No services'}
        </p>
      )}
      {column.skipped > 0 && <p class="quiet column-empty">{column.skipped} more skipped</p>}
    </section>
  );
});

/** How far the stage has come in the deployment that runs. */
function StageState({ name }: { name: string }) {
  const { run } = useEnvironment();
  const stage = run.stage(name).value;
  if (stage === null) return null;
  const approval = stage.approval?.state;
  return (
    <p class="stage-state" data-state={stage.state}>
      <StateMark state={stage.state} of="run" />
      {approval === 'awaited' && <Link href={`/deployments/${run.deployment.value?.id}`}>waits for approval</Link>}
      {approval === 'refused' && <span class="quiet">refused</span>}
    </p>
  );
}
