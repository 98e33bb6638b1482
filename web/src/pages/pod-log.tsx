/** What the pods of a service write, as they write it. */
import { computed } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { useParams } from 'wouter-preact';
import { Problem } from '../components/problem';
import { useEnvironment } from '../environment/store';
import { LineText } from '../log/line-text';
import { saveText } from '../log/log-export';
import { PodLines } from '../log/pod-lines';
import { RowView } from '../log/row-view';
import { RowWindow } from '../log/row-window';
import { useQuery } from '../run/query';
import { clock } from '../run/times';
import '../styles/log.css';
import '../styles/run.css';

export function PodLogPage() {
  const service = useParams<{ service: string }>().service;
  const store = useEnvironment();
  const [query] = useQuery();
  const pod = query.get('pod') ?? undefined;
  const wanted = query.get('search') ?? '';
  const path = `${store.path}/services/${encodeURIComponent(service)}`;
  const lines = useMemo(() => new PodLines(path, pod), [path, pod]);
  const view = useMemo(() => new RowView(computed(() => lines.count.value)), [lines]);
  view.wraps.value = query.get('wrap') === 'on';
  useEffect(() => {
    view.follow();
    lines.open();
    return () => {
      lines.close();
      view.close();
    };
  }, [lines]);
  return (
    <section class="log" aria-label={`What ${service} writes`}>
      <h2>{service}: what its pods write</h2>
      <PodLogBar lines={lines} view={view} service={service} />
      {lines.problem.value !== null && <Problem problem={lines.problem.value} />}
      <RowWindow
        view={view}
        label={`Lines of ${service}`}
        row={(index) => {
          const line = lines.at(index);
          if (line === undefined) return <div key={index} class="log-line" />;
          return (
            <div key={index + lines.dropped.value} class="log-line">
              <span class="log-number" title={line.pod}>
                {shortPod(line.pod, service)}
              </span>
              {line.at !== undefined && <time class="log-time">{clock(line.at)}</time>}
              <LineText text={line.text} wanted={wanted} />
            </div>
          );
        }}
      />
      <PodLogEnd lines={lines} view={view} />
    </section>
  );
}

function PodLogBar({ lines, view, service }: { lines: PodLines; view: RowView; service: string }) {
  const [query, change] = useQuery();
  const pod = query.get('pod') ?? undefined;
  const pods = [...new Set([...lines.pods.value, ...(pod === undefined ? [] : [pod])])];
  const save = () =>
    saveText(
      service,
      lines.all().map((line) => `${line.at ?? ''} ${line.pod} ${line.text}\n`),
    );
  return (
    <div class="log-toolbar" role="toolbar" aria-label="Log">
      <label class="check">
        Pod
        <select value={pod ?? ''} onChange={(event) => change({ pod: event.currentTarget.value || null })}>
          <option value="">All</option>
          {pods.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <input
        type="search"
        class="log-search"
        placeholder="Mark a text"
        aria-label="Mark a text"
        value={query.get('search') ?? ''}
        onInput={(event) => change({ search: event.currentTarget.value || null })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={view.wraps.value}
          onChange={(event) => change({ wrap: event.currentTarget.checked ? 'on' : null })}
        />
        Wrap
      </label>
      <button type="button" class="small" onClick={save}>
        Download
      </button>
    </div>
  );
}

/** What tells the pods of a service apart. */
function shortPod(pod: string, service: string): string {
  return pod.startsWith(`${service}-`) ? pod.slice(service.length + 1) : pod;
}

function PodLogEnd({ lines, view }: { lines: PodLines; view: RowView }) {
  const notes = [
    lines.dropped.value > 0 ? `the oldest ${lines.dropped.value} lines were let go of` : undefined,
    lines.connection.value === 'broken' && !lines.ended.value ? 'the server does not answer; the page asks again' : undefined,
  ].filter((note) => note !== undefined);
  const state = lines.ended.value
    ? 'No pod writes any more'
    : lines.count.value === 0
      ? 'Nothing is written yet'
      : view.following.value
        ? 'Following: new lines appear here'
        : '';
  return (
    <p class="log-end quiet" role="status">
      <span>{[state, ...notes].filter((text) => text !== '').join('; ')}</span>
      {!view.following.value && lines.count.value > 0 && (
        <button type="button" class="small" onClick={() => view.follow()}>
          ↓ Follow
        </button>
      )}
    </p>
  );
}
