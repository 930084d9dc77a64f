import type { SessionId } from '@parley/domain';
import type { Virtual } from './virtual-session';

/** The virtual sessions of the sessions this replica owns. */
export class Virtuals {
  private readonly byParent = new Map<SessionId, Map<SessionId, Virtual>>();

  add(virtual: Virtual): void {
    const children = this.byParent.get(virtual.parent) ?? new Map<SessionId, Virtual>();
    this.byParent.set(virtual.parent, children.set(virtual.id, virtual));
  }

  remove(virtual: Virtual): void {
    const children = this.byParent.get(virtual.parent);
    if (children?.get(virtual.id) === virtual) children.delete(virtual.id);
    if (children?.size === 0) this.byParent.delete(virtual.parent);
  }

  of(parent: SessionId): Virtual[] {
    return [...(this.byParent.get(parent)?.values() ?? [])];
  }

  all(): Virtual[] {
    return [...this.byParent.values()].flatMap((children) => [...children.values()]);
  }

  /** The parent is not held here any more. */
  drop(parent: SessionId): void {
    for (const virtual of this.of(parent)) virtual.letGo();
  }
}
