/** One entry of a log in memory. */
export interface Kept {
  readonly seq: number;
  readonly at: number;
  readonly json: string;
  readonly except: string;
}

/** A bounded log: numbers rise by one, the oldest go first. */
export class MemoryLog {
  private entries: Kept[] = [];
  private bytes = 0;
  seq = 0;

  /** Number of the newest entry that is gone. */
  get floor(): number {
    return this.entries[0] ? this.entries[0].seq - 1 : this.seq;
  }

  add(json: string, now: number, except = ''): Kept {
    const entry = { seq: ++this.seq, at: now, json, except };
    this.entries.push(entry);
    this.bytes += Buffer.byteLength(json);
    return entry;
  }

  /** Drops what may go; false when it is over its limits and what is left must not go. */
  trim(limits: { messages: number; bytes: number }, mayGo: number, olderThan: number): boolean {
    for (;;) {
      const head = this.entries[0];
      const over = this.entries.length > limits.messages || this.bytes > limits.bytes;
      if (!head || (!over && head.at >= olderThan)) return true;
      if (head.seq > mayGo) return !over;
      this.entries.shift();
      this.bytes -= Buffer.byteLength(head.json);
    }
  }

  /** What came after `seq`; undefined when the log does not reach back. */
  after(seq: number): Kept[] | undefined {
    if (seq < this.floor || seq > this.seq) return undefined;
    return this.entries.filter((entry) => entry.seq > seq);
  }

  /** Goes on from a number, empty. */
  restart(seq: number): void {
    this.entries = [];
    this.bytes = 0;
    this.seq = seq;
  }
}
