/** How many frames, and how many characters of them, wait while the way is broken. */
const LIMITS = { frames: 256, characters: 1_048_576 } as const;

/** What a client sends while the way to the other cluster is broken. What does not fit any more is lost. */
export class OutboundQueue {
  private frames: string[] = [];
  private characters = 0;

  /** False: it is full. */
  add(text: string): boolean {
    if (this.frames.length >= LIMITS.frames || this.characters + text.length > LIMITS.characters) return false;
    this.frames.push(text);
    this.characters += text.length;
    return true;
  }

  /** Everything in order; it is empty then. */
  take(): readonly string[] {
    const { frames } = this;
    this.frames = [];
    this.characters = 0;
    return frames;
  }
}
