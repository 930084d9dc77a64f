import type { Database } from '../src';

/** Something that stands still where it says so, until it is let go. */
export class Standing {
  private readonly resolvers: { arrive?: () => void; go?: () => void } = {};
  /** It stands there. */
  readonly arrived = new Promise<void>((resolve) => (this.resolvers.arrive = resolve));
  private readonly released = new Promise<void>((resolve) => (this.resolvers.go = resolve));

  here(): Promise<void> {
    this.resolvers.arrive?.();
    return this.released;
  }

  go(): void {
    this.resolvers.go?.();
  }
}

/** The transaction of this number (from 1), counted from now, stands before it begins. */
export function standAt(prisma: Database['prisma'], number: number): Standing {
  const standing = new Standing();
  const original = prisma.$transaction.bind(prisma) as (...args: unknown[]) => Promise<unknown>;
  let begun = 0;
  const held = async (...args: unknown[]): Promise<unknown> => {
    begun += 1;
    if (begun === number) await standing.here();
    return original(...args);
  };
  jest.spyOn(prisma, '$transaction').mockImplementation(held);
  return standing;
}
