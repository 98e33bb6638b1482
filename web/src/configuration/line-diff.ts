/** What differs between two texts, line by line. */

export interface DiffLine {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

/** More lines than this are not compared pair by pair. */
const MOST_COMPARED = 4_000_000;

/** The lines of both texts; what is the same in both stands once. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const [one, two] = [lines(before), lines(after)];
  let head = 0;
  while (head < one.length && head < two.length && one[head] === two[head]) head += 1;
  let tail = 0;
  const most = Math.min(one.length, two.length) - head;
  while (tail < most && one[one.length - 1 - tail] === two[two.length - 1 - tail]) tail += 1;
  const same = (texts: string[]) => texts.map((text): DiffLine => ({ kind: 'same', text }));
  return [
    ...same(one.slice(0, head)),
    ...middle(one.slice(head, one.length - tail), two.slice(head, two.length - tail)),
    ...same(one.slice(one.length - tail)),
  ];
}

function lines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** By the longest common subsequence. */
function middle(one: string[], two: string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ kind: 'removed', text });
  const added = (text: string): DiffLine => ({ kind: 'added', text });
  if (one.length * two.length > MOST_COMPARED) return [...one.map(removed), ...two.map(added)];
  const width = two.length + 1;
  const common = new Uint32Array((one.length + 1) * width);
  const at = (row: number, column: number) => common[row * width + column] ?? 0;
  for (let row = one.length - 1; row >= 0; row -= 1) {
    for (let column = two.length - 1; column >= 0; column -= 1) {
      common[row * width + column] =
        one[row] === two[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const found: DiffLine[] = [];
  let [row, column] = [0, 0];
  while (row < one.length || column < two.length) {
    const [left, right] = [one[row], two[column]];
    if (left !== undefined && left === right) {
      found.push({ kind: 'same', text: left });
      row += 1;
      column += 1;
    } else if (left !== undefined && (right === undefined || at(row + 1, column) >= at(row, column + 1))) {
      found.push(removed(left));
      row += 1;
    } else if (right !== undefined) {
      found.push(added(right));
      column += 1;
    }
  }
  return found;
}

/** A stretch of a diff, or so many equal lines that are left out. */
export type DiffPart = DiffLine | { kind: 'gap'; lines: number };

/** The diff with only a few equal lines around what differs. */
export function folded(diff: readonly DiffLine[], around = 3): DiffPart[] {
  const isNear = new Uint8Array(diff.length);
  diff.forEach((line, index) => {
    if (line.kind !== 'same') isNear.fill(1, Math.max(0, index - around), index + around + 1);
  });
  const parts: DiffPart[] = [];
  diff.forEach((line, index) => {
    const last = parts.at(-1);
    if (isNear[index] === 1) parts.push(line);
    else if (last?.kind === 'gap') last.lines += 1;
    else parts.push({ kind: 'gap', lines: 1 });
  });
  return parts;
}
