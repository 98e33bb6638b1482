/**
 * An environment file as a document: its text is what counts, and what a form changes is changed in the text's tree, so that comments,
 * order and quotes of what is not changed stay.
 */
import { type Document, isCollection, isMap, isScalar, isSeq, parseDocument, stringify } from 'yaml';
import type { Path } from './path';

const WRITTEN = { lineWidth: 0, flowCollectionPadding: false } as const;

export class FileDocument {
  readonly #document: Document;
  /** The text that was written last. */
  #written: string | null = null;

  constructor(text: string | FileDocument) {
    this.#document = typeof text === 'string' ? parseDocument(text) : text.#document;
  }

  /** The document that reads as this text, if it is what this one has written: a long file need not be read anew for each letter. */
  readAs(text: string): FileDocument | null {
    return this.#written === text ? new FileDocument(this) : null;
  }

  /** Why there is no form for the text; a form needs a mapping that reads. */
  get broken(): string | null {
    const [error] = this.#document.errors;
    if (error !== undefined) return error.message.split('\n')[0] ?? error.message;
    return this.#document.contents === null || isMap(this.#document.contents) ? null : 'the file is no mapping';
  }

  /** The value there as JSON has it; a whole number without quotes is one. */
  get(path: Path): unknown {
    const node = this.#document.getIn(path, true);
    if (node === undefined || node === null) return node;
    if (isScalar(node)) return node.value;
    return isCollection(node) ? node.toJS(this.#document) : node;
  }

  has(path: Path): boolean {
    return path.length === 0 ? this.#document.contents !== null : this.#document.hasIn(path);
  }

  /** The keys of the mapping there, in their order. */
  keys(path: Path): string[] {
    const node = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    if (!isMap(node)) return [];
    return node.items.map(({ key }) => String(isScalar(key) ? key.value : key));
  }

  /** How many items the list there has. */
  length(path: Path): number {
    const node = this.#document.getIn(path, true);
    return isSeq(node) ? node.items.length : 0;
  }

  /** The text with a value set there; what is missing on the way is made. */
  with(path: Path, value: unknown): string {
    const node = this.#document.getIn(path, true);
    if (isScalar(node) && (value === null || typeof value !== 'object')) {
      // The comment behind a value stays with it.
      node.value = value;
      delete node.source;
    } else {
      this.#make(path.slice(0, -1), path.at(-1));
      this.#document.setIn(path, this.#document.createNode(value));
    }
    return this.text();
  }

  /** The text without what is there, nor the mappings and lists that only it was in, up to one that stays. */
  without(path: Path, keep: Path = []): string {
    this.#document.deleteIn(path);
    for (let above = path.slice(0, -1); above.length > keep.length; above = above.slice(0, -1)) {
      const node = this.#document.getIn(above, true);
      if (typeof above.at(-1) === 'number' || !isCollection(node) || node.items.length > 0) break;
      this.#document.deleteIn(above);
    }
    return this.text();
  }

  /** The text with a value at the end of the list there. */
  withItem(path: Path, value: unknown): string {
    const node = this.#document.getIn(path, true);
    if (isSeq(node)) node.add(this.#document.createNode(value));
    else this.#document.setIn(path, this.#document.createNode([value]));
    return this.text();
  }

  /** The text with the item of a list one place further up or down. */
  withMoved(path: Path, index: number, by: -1 | 1): string {
    const node = this.#document.getIn(path, true);
    if (isSeq(node) && index + by >= 0 && index + by < node.items.length) {
      const [item] = node.items.splice(index, 1);
      node.items.splice(index + by, 0, item);
    }
    return this.text();
  }

  /** The text with another name for a key; its place and value stay. */
  withRenamed(path: Path, from: string, to: string): string {
    const node = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === from);
      if (pair !== undefined) pair.key = this.#document.createNode(to);
    }
    return this.text();
  }

  /** What is there as YAML of its own. */
  yaml(path: Path): string {
    const value = this.get(path);
    return value === undefined ? '' : stringify(value, WRITTEN).trimEnd();
  }

  text(): string {
    this.#written = this.#document.toString(WRITTEN);
    return this.#written;
  }

  /** The whole file as JSON. */
  json(): string {
    return `${JSON.stringify(this.#document.toJS(), null, 2)}\n`;
  }

  /** A key that is there without a value, or with one of another kind, gives way to the mapping or list that is needed. */
  #make(path: Path, below: string | number | undefined): void {
    if (path.length === 0) return;
    const node = this.#document.getIn(path, true);
    if (isCollection(node)) return;
    this.#make(path.slice(0, -1), path.at(-1));
    this.#document.setIn(path, this.#document.createNode(typeof below === 'number' ? [] : {}));
  }
}
