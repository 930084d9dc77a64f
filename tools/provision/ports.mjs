import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const HOST = '127.0.0.1';
const LOWEST = 20_000;
/** Where systems without the file begin to number outgoing connections; Linux says its own below. */
const EPHEMERAL = 32_768;

/**
 * A TCP port of the loopback interface that nobody listens on, kept for this process until it ends: no other caller is
 * given it, in whichever process, and no outgoing connection can take it.
 *
 * A port that the system picks (`listen(0)`) and gives back is neither: any connection of any program may have it a
 * moment later.
 * @param {number} inARow how many, one after the other
 * @returns the first one
 * @throws when there is none
 */
export async function freePort(inARow = 1) {
  const end = firstEphemeralPort() - inARow;
  const count = end - LOWEST;
  const start = Math.floor(Math.random() * count);
  for (let tried = 0; tried < count; tried += 1) {
    const first = LOWEST + ((start + tried) % count);
    if (await claimAll(first, inARow)) return first;
  }
  throw new Error(`no ${inARow} free ports in a row between ${LOWEST} and ${end}`);
}

/** Whether a port of the loopback interface (or `host`) can be listened on. */
export function isPortFree(port, host = HOST) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

async function claimAll(first, count) {
  const claims = [];
  for (let port = first; port < first + count; port += 1) {
    const claim = await claimPort(port);
    if (claim !== undefined && (await isPortFree(port))) {
      claims.push(claim);
      continue;
    }
    for (const taken of [...claims, claim]) taken?.close();
    return false;
  }
  return true;
}

/** A UDP socket of the same number stands for the claim: one process can have it, and the kernel frees it with that process. */
function claimPort(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, address: HOST, exclusive: true }, () => resolve(socket.unref()));
  });
}

/** Outgoing connections get numbers from here on. */
function firstEphemeralPort() {
  try {
    const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/);
    return Number(first) > LOWEST + 1_000 ? Math.min(Number(first), EPHEMERAL) : EPHEMERAL;
  } catch {
    return EPHEMERAL;
  }
}
