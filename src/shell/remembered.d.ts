/** Finds something for a text, and remembers it for `most` texts that are no longer than `longest`. */
export class Remembered<T> {
  constructor(bounds: { most: number; longest: number }, find: (text: string) => T);
  get(text: string): T;
}
