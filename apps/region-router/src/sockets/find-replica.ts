import type { Replica, ReplicaGroup } from '../proxy/replicas';
import { replicaOfSid } from './sid';

/** The replicas to try for a signaling request: the one that holds its Engine.IO session, or any. Empty: it is gone. */
export async function replicasFor(target: string, group: ReplicaGroup): Promise<readonly Replica[]> {
  const name = replicaOfSid(target);
  if (name === undefined) return group.candidates();
  if (name === null) return [];
  // A replica that restarted or that nobody asked yet has no name here.
  if (group.named(name) === undefined && group.all.some((replica) => replica.name === undefined)) await group.probe();
  const replica = group.named(name);
  return replica === undefined ? [] : [replica];
}
