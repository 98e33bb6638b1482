/** A sentence of the schema; what is between backticks is code. */
export function Meaning({ text }: { text: string | undefined }) {
  const parts = (text ?? '').split('`');
  return <>{parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>;
}
