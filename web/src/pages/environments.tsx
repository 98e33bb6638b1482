import { EmptyState } from '../components/empty-state';

/** All environments. */
export function EnvironmentsPage() {
  return (
    <EmptyState
      title="No environments yet"
      text="An environment file brings one up:"
      command="slipway deploy -f slipway.yaml"
    />
  );
}
