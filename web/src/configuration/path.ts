/** Where something is in an environment file, as the server writes it in its problems: `services[2].ports[0].internal`. */

export type Path = readonly (string | number)[];

/** The path as a text. */
export function written(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Whether one written path is another, or lies below it. */
export function isAtOrBelow(path: string, above: string): boolean {
  return above === '' || path === above || path.startsWith(`${above}.`) || path.startsWith(`${above}[`);
}
