/** Where environments run: the targets, a way to add a cluster, and what the server finds when it asks them. */
import { type Signal, useSignal } from '@preact/signals';
import type { ProblemDetails } from '../api/request';
import { Refusal } from '../api/request';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import * as calls from './calls';
import { ChecksTable } from './checks-table';
import { FormText } from './form-text';
import { useLoaded } from './use-loaded';
import type { NewTarget, TargetView } from './wire';

export function TargetsPage() {
  const targets = useLoaded(calls.listTargets, []);
  return (
    <>
      <h1>Targets</h1>
      <p class="quiet">Where environments run: Kubernetes clusters, and the Docker Engine of the server’s machine.</p>
      {targets.problem !== null && <Problem problem={targets.problem} />}
      {targets.value === null ? <p class="quiet">Reading the targets…</p> : <TargetsTable targets={targets.value} />}
      <AddTarget added={targets.again} />
      <ChecksTable />
    </>
  );
}

function TargetsTable({ targets }: { targets: readonly TargetView[] }) {
  if (targets.length === 0) return <p>There is none yet. Add the cluster of a kubeconfig below.</p>;
  return (
    <div class="table-scroll">
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Is</th>
            <th scope="col">Public hosts</th>
            <th scope="col">Certificates</th>
            <th scope="col">Requests</th>
          </tr>
        </thead>
        <tbody>
          {targets.map((target) => (
            <tr key={target.name}>
              <th scope="row">
                {target.name}
                {target.default && <span class="quiet"> default</span>}
              </th>
              <td>
                {target.kind === 'docker' ? 'the Docker Engine of the server’s machine' : `the cluster ${target.context ?? ''}`}
                {target.kubeconfig !== undefined && (
                  <>
                    {' of '}
                    <code>{target.kubeconfig}</code>
                  </>
                )}
              </td>
              <td>
                <code>{target.domain}</code>
                {target.ingressPort !== undefined && `, port ${target.ingressPort}`}
              </td>
              <td>{target.clusterIssuer ?? <span class="quiet">none, no TLS</span>}</td>
              <td>{target.requestPercent} % of the limits</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AddTarget({ added }: { added: () => Promise<void> }) {
  const name = useSignal('');
  const kubeconfig = useSignal('');
  const context = useSignal('');
  const domain = useSignal('{service}.{environment}.{project}.localhost');
  const ingressPort = useSignal('');
  const clusterIssuer = useSignal('');
  const requestPercent = useSignal('100');
  const isDefault = useSignal(false);
  const sending = useSignal(false);
  const problem = useSignal<ProblemDetails | null>(null);
  const add = async (event: SubmitEvent) => {
    event.preventDefault();
    sending.value = true;
    problem.value = null;
    const target: NewTarget = {
      kubeconfig: kubeconfig.value.trim(),
      domain: domain.value.trim(),
      requestPercent: Number(requestPercent.value),
      default: isDefault.value,
      ...given('name', name.value),
      ...given('context', context.value),
      ...given('clusterIssuer', clusterIssuer.value),
      ...(ingressPort.value === '' ? {} : { ingressPort: Number(ingressPort.value) }),
    };
    try {
      await calls.addTarget(target);
      tell('The cluster answers, and is a target now');
      await added();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    } finally {
      sending.value = false;
    }
  };
  return (
    <section class="settings-section">
      <h2>Add or change a cluster</h2>
      <p class="quiet">A name that is there already is changed. The cluster is asked before it is kept.</p>
      <form class="settings-form" onSubmit={add}>
        <FormText value={kubeconfig} label="Kubeconfig" required help="Its absolute path on the server’s machine." />
        <FormText value={context} label="Context" help="Absent: the current one of the kubeconfig." />
        <FormText value={name} label="Name" help="Absent: that of the context." />
        <FormText value={domain} label="Public hosts" required help="{service}, {environment} and {project} are replaced." />
        <FormText value={ingressPort} type="number" label="Port of the Ingress controller" help="Absent: that of the scheme." />
        <FormText
          value={clusterIssuer}
          label="Cluster issuer of cert-manager"
          help="It signs certificates of public hosts. Absent: no TLS."
        />
        <FormText value={requestPercent} type="number" label="Requests, in percent of the limits" required />
        <DefaultChoice isDefault={isDefault} />
        {problem.value !== null && <Problem problem={problem.value} />}
        <button type="submit" class="primary" disabled={sending.value}>
          {sending.value ? 'Asking the cluster…' : 'Add'}
        </button>
      </form>
    </section>
  );
}

/** A key that is sent only when it is filled in. */
function given<Key extends string>(key: Key, text: string): Partial<Record<Key, string>> {
  return text.trim() === '' ? {} : ({ [key]: text.trim() } as Partial<Record<Key, string>>);
}

function DefaultChoice({ isDefault }: { isDefault: Signal<boolean> }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={isDefault.value}
        onInput={(event) => {
          isDefault.value = event.currentTarget.checked;
        }}
      />{' '}
      Environments that name no target run here
    </label>
  );
}
