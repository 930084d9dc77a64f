/** How far a change of an account has come through its regions. */

const LOOK_AGAIN_MS = 500;

/** @param {string[]} regions */
export function laggingText(regions) {
  return `${regions.join(', ')} ${regions.length === 1 ? 'lags' : 'lag'}`;
}

/**
 * Waits until all regions have an account's record and no rotation is under way, and says who is waited for.
 * @param {() => Promise<{rotating: boolean, regions: {region: string, lags: boolean}[]}>} look
 * @param {(detail: string) => void} report
 * @param {(ms: number) => Promise<void>} [pause]
 */
export async function untilHeard(look, report, pause = sleep) {
  for (;;) {
    const { rotating, regions } = await look();
    const lagging = regions.filter(({ lags }) => lags).map(({ region }) => region);
    if (!rotating && lagging.length === 0) return { note: 'all regions have it' };
    report(lagging.length === 0 ? 'about to be accepted' : laggingText(lagging));
    await pause(LOOK_AGAIN_MS);
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
