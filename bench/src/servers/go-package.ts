import { join } from 'node:path';
import { unpackDebian } from './debian-packages';

/** The Go server and its bus as Debian packages them, unpacked, never installed. */
export interface GoPrograms {
  readonly signaling: string;
  readonly nats: string;
  /** As `dpkg` names it. */
  readonly version: string;
}

/**
 * Fetches both packages.
 * @param folder where they are kept from one run to the next
 * @param suite of Debian: `sid` has the newest, `trixie` an older one
 * @throws Error saying why they cannot be had here
 */
export async function fetchGoPrograms(folder: string, suite: string): Promise<GoPrograms> {
  const packages = ['nextcloud-spreed-signaling', 'nats-server'] as const;
  const { folder: unpacked, version } = await unpackDebian(folder, suite, { suite, packages });
  return {
    signaling: join(unpacked, 'usr/bin/nextcloud-spreed-signaling-server'),
    nats: join(unpacked, 'usr/sbin/nats-server'),
    version,
  };
}
