/**
 * One frame ready to be sent. Its bytes are made once and shared by every socket that gets the same frame.
 */
export class Frame {
  private encoded: Buffer | undefined;

  constructor(readonly text: string) {}

  /** The frame as UTF-8. */
  get bytes(): Buffer {
    this.encoded ??= Buffer.from(this.text, 'utf8');
    return this.encoded;
  }

  /** The same frame with one more top-level member. */
  withMember(name: string, value: string): Frame {
    return new Frame(`${this.text.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`);
  }
}

/** A frame of a plain object. Members that are undefined are left out. */
export function frameOf(message: object): Frame {
  return new Frame(JSON.stringify(message));
}
