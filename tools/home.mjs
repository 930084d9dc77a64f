/** Ways to a domain's home region for whoever was sent to another one. */

/**
 * Calls; whom strict residency turns away (421) calls again where it was told that the home is, once.
 * @param {string} frontDoor base URL
 * @param {(base: string) => Promise<Response>} send makes the call there; signs it anew each time
 */
export async function callAtHome(frontDoor, send) {
  const answer = await send(frontDoor);
  const home = answer.status === 421 ? answer.headers.get('x-home-host') : undefined;
  if (!home) return answer;
  await answer.body?.cancel();
  return send(`${new URL(frontDoor).protocol}//${home}`);
}

/** The URL of the sockets where a session that was refused here belongs; undefined when nobody said. */
export function toldElsewhere({ type, error }) {
  return type === 'error' && error?.code === 'wrong_region' ? error.details?.url : undefined;
}
