/** What a service is, as a small drawing with its word. */

const PATHS: Record<string, string> = {
  // A window with a prompt.
  application: 'M2 3h12v10H2zM2 6h12M5 9l1.5 1.2L5 11.4M8.5 11.4h3',
  // A box.
  container: 'M8 1.8l5.6 3v6.4L8 14.2l-5.6-3V4.8zM2.4 4.8L8 8l5.6-3.2M8 8v6.2',
  // A drum.
  database: 'M3 4c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2zM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2',
  // A clock with an arrow.
  job: 'M13.5 8A5.5 5.5 0 1 1 11 3.4M11 1v2.6H8.4M8 5v3.2l2 1.3',
  // A wheel.
  helm: 'M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3M3.4 3.4l2.1 2.1M10.5 10.5l2.1 2.1M12.6 3.4l-2.1 2.1M5.5 10.5l-2.1 2.1',
};

export function KindIcon({ kind }: { kind: string }) {
  return (
    <svg class="kind-icon" viewBox="0 0 16 16" width="16" height="16" role="img" aria-label={kind}>
      <title>{kind}</title>
      <path
        d={PATHS[kind] ?? ''}
        fill="none"
        stroke="currentColor"
        stroke-width="1.3"
        stroke-linejoin="round"
        stroke-linecap="round"
      />
    </svg>
  );
}
