/** The board of an environment: its stages as columns, its services as cards, and what happened to the last edit. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { CloneService } from '../clone/clone-service';
import { EmptyState } from '../components/empty-state';
import { Problem } from '../components/problem';
import { ActionDialog } from '../environment/action-dialog';
import { useEnvironment } from '../environment/store';
import { AddStage } from './add-stage';
import { BoardContext, BoardHand, useHand } from './board-hand';
import { ColumnView } from './column-view';
import { SKIPPED } from './columns';
import { DeleteStage } from './delete-stage';
import { MoveService } from './move-service';
import { told } from './pipeline';
import '../styles/board.css';

export function BoardPage() {
  const store = useEnvironment();
  const { board } = store;
  const hand = useMemo(() => new BoardHand(store), [store]);
  const element = useRef<HTMLDivElement>(null);
  const columns = board.columns.value;
  useEffect(() => hand.keepFocus(element.current), [hand, columns]);
  const isLoaded = board.isLoaded;
  useEffect(() => hand.listen(element.current), [hand, isLoaded]);
  if (!isLoaded) return <Skeleton />;
  const isEmpty = store.environment.value?.services.length === 0;
  return (
    <BoardContext.Provider value={hand}>
      <Notices />
      {isEmpty && (
        <EmptyState
          title="No services yet"
          text="Add services to the environment's file, and apply it:"
          command="slipway apply -f slipway.yaml"
        />
      )}
      <div ref={element} class="board">
        {columns.map((column) => (
          <ColumnView key={column.key === SKIPPED ? ' skipped' : `stage ${String(column.key)}`} column={column} />
        ))}
        <AddStage />
      </div>
      {store.active.value !== null && (
        <p class="quiet board-help">
          A deployment is under way; it keeps its stages. What you change here counts from the next one.
        </p>
      )}
      <p class="quiet board-help">
        Drag a card to another column, a column by its head; or focus it and press <kbd>Space</kbd>, then the arrow keys. The
        arrow keys alone go from card to card, <kbd>M</kbd> opens the menu, <kbd>U</kbd> undoes.
      </p>
      <div class="visually-hidden" aria-live="assertive">
        {hand.spoken.value}
      </div>
      <Questions />
    </BoardContext.Provider>
  );
}

/** What others did in between, and what was refused. */
function Notices() {
  const { board } = useEnvironment();
  const conflict = board.conflict.value;
  const problem = board.problem.value;
  const leave = () => {
    board.conflict.value = null;
  };
  return (
    <>
      {problem !== null && <Problem problem={problem} />}
      {conflict !== null && (
        <div class="problem conflict" role="alert">
          <p>
            <strong>
              Changed elsewhere:{' '}
              {conflict.changes.length > 0 ? conflict.changes.join('; ') : 'the configuration of the environment'}.
            </strong>{' '}
            Your change was not made: {conflict.edits.map(told).join('; ')}.
          </p>
          <p class="dialog-buttons">
            <button type="button" class="primary" onClick={() => board.again()}>
              Do it again
            </button>
            <button type="button" onClick={leave}>
              Leave it
            </button>
          </p>
        </div>
      )}
    </>
  );
}

/** What has to be answered before something is done. */
function Questions() {
  const hand = useHand();
  const asked = hand.asked.value;
  return (
    <>
      <DeleteStage />
      <MoveService />
      <CloneService />
      {asked !== null && (
        <ActionDialog
          action={asked.action}
          services={asked.services}
          close={() => {
            hand.asked.value = null;
          }}
        />
      )}
    </>
  );
}

const SKELETON = ['aaa', 'bb', 'cccc', 'ddd'];

function Skeleton() {
  return (
    <div class="board" aria-busy="true">
      <p class="visually-hidden" role="status">
        Loading the board
      </p>
      {SKELETON.map((cards) => (
        <div class="column skeleton" key={cards}>
          {[...cards].map(() => (
            <div class="card" />
          ))}
        </div>
      ))}
    </div>
  );
}
