import { Problem } from '../components/problem';
import * as calls from './calls';
import { useLoaded } from './use-loaded';

const SHAPES = { ok: '✓', warning: '▲', problem: '✗' } as const;

/** What `slipway doctor` finds. */
export function ChecksTable() {
  const doctor = useLoaded(calls.readDoctor, []);
  return (
    <section class="settings-section" aria-label="Checks">
      <h2>
        Checks{' '}
        <button type="button" class="small" onClick={() => void doctor.again()}>
          Check again
        </button>
      </h2>
      {doctor.problem !== null && <Problem problem={doctor.problem} />}
      {doctor.value === null ? (
        <p class="quiet" role="status">
          Asking everything that a deployment needs; that takes up to 10 seconds…
        </p>
      ) : (
        <div class="table-scroll">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">How it is</th>
                <th scope="col">What to do</th>
              </tr>
            </thead>
            <tbody>
              {doctor.value.map((check) => (
                <tr key={check.name}>
                  <th scope="row">{check.name}</th>
                  <td>
                    <span class={`check-${check.status}`}>
                      <span aria-hidden="true">{SHAPES[check.status]}</span> {check.status}
                    </span>{' '}
                    {check.message}
                  </td>
                  <td>{check.hint}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
