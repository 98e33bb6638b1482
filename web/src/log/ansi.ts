/**
 * A line of a log as spans with classes. Colours of terminals (SGR) become one of sixteen classes, whose hues the styles choose for
 * light and dark; every other control sequence is left out. What comes out is text, never markup.
 */

/** Text that looks the same throughout. */
export interface Span {
  text: string;
  /** Classes, separated by blanks; empty for plain text. */
  classes: string;
}

interface Look {
  foreground: number | undefined;
  background: number | undefined;
  attributes: Set<string>;
}

/** CSI with its parameters and final byte; OSC and other strings to their end; any other escape; other control characters but tabs. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b\[[0-?]*[ -/]*$|\x1b[ -/]*[0-~]?|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]/g;

const ATTRIBUTES: Record<number, [string, boolean]> = {
  1: ['bold', true],
  2: ['faint', true],
  3: ['italic', true],
  4: ['underline', true],
  7: ['inverse', true],
  9: ['struck', true],
  23: ['italic', false],
  24: ['underline', false],
  27: ['inverse', false],
  29: ['struck', false],
};

/** The spans of a line. */
export function spans(line: string): Span[] {
  const shown = afterReturn(line);
  if (!hasControls(shown)) return shown === '' ? [] : [{ text: shown, classes: '' }];
  const found: Span[] = [];
  const look: Look = { foreground: undefined, background: undefined, attributes: new Set() };
  let from = 0;
  const push = (text: string) => {
    if (text === '') return;
    const classes = classesOf(look);
    const last = found.at(-1);
    if (last !== undefined && last.classes === classes) last.text += text;
    else found.push({ text, classes });
  };
  for (const control of shown.matchAll(CONTROLS)) {
    push(shown.slice(from, control.index));
    if (control[2] === 'm') apply(look, control[1] ?? '');
    from = control.index + control[0].length;
  }
  push(shown.slice(from));
  return found;
}

/** The text of a line without any control sequence. */
export function plain(line: string): string {
  return spans(line)
    .map((span) => span.text)
    .join('');
}

function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if ((code < 32 && code !== 9) || (code >= 127 && code < 160)) return true;
  }
  return false;
}

/** A program that draws progress returns to the start of the line and writes over it: what it wrote last is what a person sees. */
function afterReturn(line: string): string {
  const trimmed = line.replace(/\r+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1);
}

function apply(look: Look, parameters: string): void {
  const codes = parameters.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    const attribute = ATTRIBUTES[code];
    if (code === 0) reset(look);
    else if (attribute?.[1] === true) look.attributes.add(attribute[0]);
    else if (attribute?.[1] === false) look.attributes.delete(attribute[0]);
    else if (code === 22) for (const name of ['bold', 'faint']) look.attributes.delete(name);
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes.slice(index + 1));
      if (code === 38) look.foreground = colour;
      else look.background = colour;
      index += used;
    } else colour(look, code);
  }
}

function reset(look: Look): void {
  look.foreground = undefined;
  look.background = undefined;
  look.attributes.clear();
}

function colour(look: Look, code: number): void {
  if (code >= 30 && code <= 37) look.foreground = code - 30;
  else if (code >= 90 && code <= 97) look.foreground = code - 90 + 8;
  else if (code === 39) look.foreground = undefined;
  else if (code >= 40 && code <= 47) look.background = code - 40;
  else if (code >= 100 && code <= 107) look.background = code - 100 + 8;
  else if (code === 49) look.background = undefined;
}

/** One of 256 colours or of all as the nearest of sixteen, and how many codes it took. */
function extended(codes: number[]): [number | undefined, number] {
  const [kind, first = 0, second = 0, third = 0] = codes;
  if (kind === 2) return [nearest(first, second, third), 4];
  if (kind !== 5) return [undefined, codes.length];
  if (first < 16) return [first, 2];
  if (first >= 232) {
    const grey = 8 + (first - 232) * 10;
    return [nearest(grey, grey, grey), 2];
  }
  const level = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  const cube = first - 16;
  return [nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)), 2];
}

/** The nearest of sixteen by which of its parts are strong. */
function nearest(red: number, green: number, blue: number): number {
  const strongest = Math.max(red, green, blue);
  if (strongest - Math.min(red, green, blue) < 32) return strongest < 64 ? 0 : strongest < 150 ? 8 : strongest < 230 ? 7 : 15;
  const strong = (part: number) => (part > strongest * 0.6 ? 1 : 0);
  return strong(red) + 2 * strong(green) + 4 * strong(blue) + (strongest > 200 ? 8 : 0);
}

function classesOf(look: Look): string {
  const classes = [...look.attributes];
  if (look.foreground !== undefined) classes.push(`ink-${look.foreground}`);
  if (look.background !== undefined) classes.push(`paper-${look.background}`);
  return classes.map((name) => `ansi-${name}`).join(' ');
}

/** Cuts spans where a text that is searched for begins and ends; letters A to Z count as their small ones, as the server has it. */
export function marked(found: Span[], wanted: string): (Span & { match: boolean })[] {
  const whole = lower(found.map((span) => span.text).join(''));
  const needle = lower(wanted);
  const cuts: [number, number][] = [];
  if (needle !== '') {
    for (let at = whole.indexOf(needle); at >= 0; at = whole.indexOf(needle, at + needle.length))
      cuts.push([at, at + needle.length]);
  }
  const pieces: (Span & { match: boolean })[] = [];
  let position = 0;
  for (const { text, classes } of found) {
    const bounds = new Set([0, text.length]);
    for (const bound of cuts.flat()) if (bound > position && bound < position + text.length) bounds.add(bound - position);
    const ordered = [...bounds].sort((one, other) => one - other);
    for (let index = 0; index + 1 < ordered.length; index += 1) {
      const [from = 0, to = 0] = ordered.slice(index, index + 2);
      const match = cuts.some(([begin, end]) => begin <= position + from && position + to <= end);
      pieces.push({ text: text.slice(from, to), classes, match });
    }
    position += text.length;
  }
  return pieces;
}

function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
