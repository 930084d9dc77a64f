/** Lets work of one name happen one after the other; work of different names does not wait for each other. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Answers, or throws, what `work` does, once everybody who came before under this name is done. */
  async take<Outcome>(name: string, work: () => Promise<Outcome>): Promise<Outcome> {
    const before = this.last.get(name) ?? Promise.resolve();
    // How those before fared is their own affair.
    const mine = before.then(work, work);
    this.last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.last.get(name) === mine) this.last.delete(name);
    }
  }
}
