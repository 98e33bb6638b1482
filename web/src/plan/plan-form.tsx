/** What is planned: action, services with their versions, options. A change plans anew. */
import type { EnvironmentServiceView } from '../environment/wire';
import { ACTIONS, type Wanted } from './request';

const ACTION_TEXTS: Record<Wanted['action'], string> = {
  deploy: 'Deploy: newest versions, stored configuration',
  restart: 'Restart: new pods, nothing else',
  stop: 'Stop: scale to nothing, volumes stay',
  rollback: 'Roll back: what an earlier deployment released',
  delete: 'Delete: remove releases and their volumes',
};

interface Props {
  wanted: Wanted;
  services: readonly EnvironmentServiceView[];
  change: (wanted: Wanted) => void;
}

export function PlanForm({ wanted, services, change }: Props) {
  const check = (option: 'current' | 'rebuild' | 'runJobs', text: string) => (
    <label class="check">
      <input
        type="checkbox"
        checked={wanted[option]}
        onChange={(event) => change({ ...wanted, [option]: event.currentTarget.checked })}
      />
      {text}
    </label>
  );
  return (
    <form class="plan-form" onSubmit={(event) => event.preventDefault()}>
      <label>
        What to do
        <select
          value={wanted.action}
          onChange={(event) => {
            const action = ACTIONS.find((known) => known === event.currentTarget.value) ?? 'deploy';
            change({ ...wanted, action, backTo: undefined });
          }}
        >
          {ACTIONS.map((action) => (
            <option key={action} value={action}>
              {ACTION_TEXTS[action]}
            </option>
          ))}
        </select>
      </label>
      {wanted.action === 'deploy' && (
        <p class="actions">
          {check('current', 'Keep the versions that are deployed')}
          {check('rebuild', 'Build images although they are there')}
        </p>
      )}
      {wanted.action === 'rollback' && (
        <p class="actions">
          <label class="check">
            Back to deployment
            <input
              type="number"
              class="plan-number"
              min={1}
              value={wanted.backTo ?? ''}
              placeholder="last good"
              onChange={(event) => {
                const number = event.currentTarget.valueAsNumber;
                change({ ...wanted, backTo: Number.isInteger(number) && number > 0 ? number : undefined });
              }}
            />
          </label>
          {check('runJobs', 'Run lifecycle jobs too')}
        </p>
      )}
      <Services wanted={wanted} services={services} change={change} />
    </form>
  );
}

function Services({ wanted, services, change }: Props) {
  const chosen = new Map(wanted.services.map((service) => [service.name, service]));
  const set = (name: string, isChosen: boolean, version?: string) => {
    const others = wanted.services.filter((service) => service.name !== name);
    const one = version === undefined || version === '' ? { name } : { name, version };
    const order = services.map((service) => service.name);
    const next = isChosen ? [...others, one] : others;
    change({ ...wanted, services: next.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)) });
  };
  return (
    <details open={chosen.size > 0}>
      <summary>
        {chosen.size === 0
          ? 'All services that are not skipped'
          : `${chosen.size} of ${services.length} ${services.length === 1 ? 'service' : 'services'}`}
      </summary>
      <ul class="plan-services">
        {services.map(({ name, skipped }) => {
          const own = chosen.get(name);
          return (
            <li key={name}>
              <label class="check">
                <input
                  type="checkbox"
                  checked={own !== undefined}
                  onChange={(event) => set(name, event.currentTarget.checked, own?.version)}
                />
                {name} {skipped && <span class="quiet">skipped</span>}
              </label>
              {wanted.action === 'deploy' && own !== undefined && (
                <input
                  aria-label={`Version of ${name}`}
                  placeholder="commit, tag or version"
                  value={own.version ?? ''}
                  spellcheck={false}
                  onChange={(event) => set(name, true, event.currentTarget.value.trim())}
                />
              )}
            </li>
          );
        })}
      </ul>
    </details>
  );
}
