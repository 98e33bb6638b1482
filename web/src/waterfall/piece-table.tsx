import { useSignal } from '@preact/signals';
import { clock, exact } from '../run/times';
import type { Waterfall } from './geometry';

/** The waterfall as a table, made when somebody wants it. */
export function PieceTable({ waterfall }: { waterfall: Waterfall }) {
  const isOpen = useSignal(false);
  return (
    <details
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>As a table</summary>
      {isOpen.value && (
        <div class="scrolls">
          <table>
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col">Step</th>
                <th scope="col">What went on</th>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">How long</th>
              </tr>
            </thead>
            <tbody>
              {waterfall.bands.flatMap((band) =>
                band.rows.flatMap((row) =>
                  row.bars.map((bar) => (
                    <tr key={`${row.name} ${bar.phase} ${bar.from}`}>
                      <th scope="row">{row.name}</th>
                      <td>{bar.phase}</td>
                      <td>{bar.text}</td>
                      <td class="mono">{clock(bar.at.from)}</td>
                      <td class="mono">{clock(bar.at.to)}</td>
                      <td>{exact(bar.to - bar.from)}</td>
                    </tr>
                  )),
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
