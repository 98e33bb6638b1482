/** One environment. */
export function EnvironmentPage({ project, name }: { project: string; name: string }) {
  return (
    <h1>
      {project}/{name}
    </h1>
  );
}
