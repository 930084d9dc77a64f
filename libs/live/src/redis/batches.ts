import type { Reply, ScriptName } from './connection';
import { PRELUDE } from './scripts/prelude';

/** How many calls one script does at most: nobody else is served meanwhile. */
const AT_ONCE = 64;

/** One call of a script. */
interface Call {
  readonly script: ScriptName;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/**
 * Calls of scripts that come by the hundred. What one turn of the event loop asks for, and what comes while an answer is
 * awaited, goes to the node as few calls, in order: a call costs its client and its server more than what most of these
 * scripts do. Only for a single node, as the calls of one batch touch many keys.
 */
export class Batches {
  private waiting: Call[] = [];
  private scheduled = false;
  private outstanding = 0;

  /** @param execute runs the script that {@link batched} made of a script */
  constructor(
    private readonly execute: (
      script: ScriptName,
      keys: readonly string[],
      args: readonly (string | number)[],
    ) => Promise<Reply>,
  ) {}

  run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ script, keys, args, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.outstanding > 0) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  private readonly flush = () => {
    this.scheduled = false;
    const calls = this.waiting;
    this.waiting = [];
    for (let start = 0; start < calls.length;) {
      const end = endOfRun(calls, start);
      this.send(calls.slice(start, end));
      start = end;
    }
  };

  private send(calls: readonly Call[]): void {
    const [first] = calls;
    if (first === undefined) return;
    const keys = calls.flatMap((call) => call.keys);
    const args = calls.flatMap((call) => call.args);
    this.outstanding += 1;
    this.execute(first.script, keys, [calls.length, first.keys.length, first.args.length, ...args]).then(
      (replies) => {
        const all = Array.isArray(replies) ? replies : [];
        calls.forEach((call, index) => call.resolve(all[index] ?? null));
        this.returned();
      },
      (error: unknown) => {
        for (const call of calls) call.reject(error);
        this.returned();
      },
    );
  }

  private returned(): void {
    this.outstanding -= 1;
    if (this.outstanding === 0 && this.waiting.length > 0) this.schedule();
  }
}

/** Where the calls of the same script, one after the other, end. */
function endOfRun(calls: readonly Call[], start: number): number {
  const first = calls[start];
  let end = start + 1;
  while (end < calls.length && end - start < AT_ONCE && isAlike(first, calls[end])) end += 1;
  return end;
}

function isAlike(one: Call | undefined, other: Call | undefined): boolean {
  return one?.script === other?.script && one?.args.length === other?.args.length;
}

/**
 * The script that does several calls of a script and answers their answers. Its arguments begin with how many calls there
 * are and how many keys and arguments each has.
 */
export function batched(lua: string): string {
  const body = lua.startsWith(PRELUDE) ? lua.slice(PRELUDE.length) : lua;
  return `${PRELUDE}
local function call(KEYS, ARGV)
${body}
end
local calls, nkeys, nargs = num(ARGV[1]), num(ARGV[2]), num(ARGV[3])
local replies = {}
for i = 0, calls - 1 do
  local keys, args = {}, {}
  for k = 1, nkeys do keys[k] = KEYS[i * nkeys + k] end
  for a = 1, nargs do args[a] = ARGV[3 + i * nargs + a] end
  replies[i + 1] = call(keys, args) or false
end
return replies
`;
}
