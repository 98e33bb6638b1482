/** The head of a column: its place, name, count and description, each changed in place. */
import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { openMenu } from '../components/menu';
import { useHand } from './board-hand';
import { type Column, reordered, SKIPPED } from './columns';
import { InlineField } from './inline-field';

const TYPES: Record<string, string> = {
  database: 'databases',
  job: 'jobs',
  container: 'containers',
  application: 'applications',
};

export function ColumnHead({ column, id, head }: { column: Column; id: string; head: RefObject<HTMLElement> }) {
  const hand = useHand();
  const editing = useSignal<'name' | 'description' | null>(null);
  const { key, title, description } = column;
  const stop = () => {
    editing.value = null;
    hand.focusOn('stage', title);
  };
  if (key === SKIPPED) {
    return (
      <header class="column-head" ref={head}>
        <h2 id={id}>
          {title} <span class="count">{column.services.length}</span>
        </h2>
        {column.services.length > 0 && <p class="quiet">{description}</p>}
      </header>
    );
  }
  const rename = (name: string) => {
    stop();
    hand.edit({ do: 'rename', stage: key, name });
    hand.focusOn('stage', name);
  };
  const describe = (text: string) => {
    stop();
    hand.edit({ do: 'describe', stage: key, description: text });
  };
  return (
    <header class="column-head" ref={head} data-menu-of={key}>
      {editing.value === 'name' ? (
        <InlineField
          label={`New name of stage ${title}`}
          text={title}
          isRequired
          hint={
            column.defaultFor === null
              ? undefined
              : `New ${TYPES[column.defaultFor] ?? 'services'} go here by default. Renamed, the last stage takes them.`
          }
          save={rename}
          cancel={stop}
        />
      ) : (
        <ColumnTitle column={column} id={id} edit={editing} />
      )}
      {editing.value === 'description' ? (
        <InlineField label={`Description of stage ${title}`} text={description} save={describe} cancel={stop} />
      ) : (
        description !== '' && <p class="quiet">{description}</p>
      )}
      {column.approval === 'required' && <p class="approval">⛨ wants approval</p>}
    </header>
  );
}

/** What is edited of a stage. */
interface Editing {
  value: 'name' | 'description' | null;
}

function ColumnTitle({ column, id, edit }: { column: Column; id: string; edit: Editing }) {
  return (
    <div class="column-title">
      <h2 id={id}>
        <span class="order" title="Order of execution">
          {column.order}
        </span>{' '}
        <button
          type="button"
          class="plain stage-name"
          data-focus={`stage ${column.title}`}
          aria-description="Space lifts it, F2 renames it"
          onDblClick={() => {
            edit.value = 'name';
          }}
          onKeyDown={(event) => {
            if (event.key === 'F2') edit.value = 'name';
          }}
        >
          {column.title}
        </button>{' '}
        <span class="count" title={`${column.services.length} services`}>
          {column.services.length}
        </span>
      </h2>
      <StageMenu column={column} edit={edit} />
    </div>
  );
}

function StageMenu({ column, edit }: { column: Column; edit: Editing }) {
  const hand = useHand();
  const { title, approval } = column;
  const open = (button: HTMLElement) => {
    const names = hand.board.stages.peek().map((stage) => stage.name);
    const at = names.indexOf(title);
    const beside = (by: number) => {
      const other = names[at + by];
      if (other !== undefined) {
        hand.edit({ do: 'order', stages: reordered(names, title, other, by > 0 ? 'after' : 'before') });
      }
    };
    const set = (what: 'name' | 'description') => () => {
      edit.value = what;
    };
    const remove = () => {
      const stage = hand.board.stages.peek().find((known) => known.name === title);
      if (stage === undefined) return;
      if (stage.services.length === 0) {
        hand.edit({ do: 'delete', stage: title, to: null });
        hand.focusOn('stage', names[at === 0 ? 1 : at - 1] ?? '');
      } else hand.deleting.value = title;
    };
    openMenu(button, `Stage ${title}`, [
      { text: 'Rename', run: set('name') },
      { text: 'Describe', run: set('description') },
      {
        text: approval === 'required' ? 'Want no approval' : 'Want approval before it starts',
        run: () => hand.edit({ do: 'approve', stage: title, approval: approval === 'required' ? 'none' : 'required' }),
      },
      { text: 'Move left', run: () => beside(-1), disabled: at === 0 },
      { text: 'Move right', run: () => beside(1), disabled: at === names.length - 1 },
      { text: 'Delete…', run: remove, disabled: names.length === 1 },
    ]);
  };
  return (
    <button
      type="button"
      class="small plain menu-button"
      aria-haspopup="menu"
      aria-label={`Menu of stage ${title}`}
      onClick={(event) => open(event.currentTarget)}
    >
      ⋯
    </button>
  );
}
