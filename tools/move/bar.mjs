/** How far something is, as a bar: `███████░░░ 70 % (7 of 10)`. */
const WIDTH = 20;

/**
 * @param {number} done
 * @param {number} total 0 or less counts as all done
 * @param {string} unit what is counted
 */
export function bar(done, total, unit) {
  const share = total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const full = Math.floor(share * WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${Math.floor(share * 100)} % (${done} of ${total} ${unit})`;
}
