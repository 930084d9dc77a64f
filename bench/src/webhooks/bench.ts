import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, machine, say, version, writeResults } from '../report/surroundings';
import { measureCapacity, measureHang, measureLatency } from './figures';
import { FULL, QUICK, SMOKE, type Part, type WebhookPlan } from './plan';
import { accountOf, plotOf, rowsOf, tableOf, type WebhookFigures } from './report';
import { WebhookWorld } from './world';

export const WEBHOOKS_HELP = `Measures one webhook dispatcher with its own PostgreSQL and Redis.

  npm run bench -- webhooks                  about seven minutes
  npm run bench -- webhooks --quick          three minutes
  npm run bench -- webhooks --smoke          seconds; shows that the bench works
  npm run bench -- webhooks --only latency,capacity,hang
  npm run bench -- webhooks --out <folder>   default bench/results`;

const PARTS: readonly Part[] = ['latency', 'capacity', 'hang'];

/** @param args of the command line */
export async function benchWebhooks(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean' },
      smoke: { type: 'boolean' },
      only: { type: 'string' },
      out: { type: 'string', default: join(ROOT, 'bench', 'results') },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return say(WEBHOOKS_HELP);
  // As the api runs, whose part this process plays; without it Prisma keeps a stack of every call.
  process.env.NODE_ENV ??= 'production';
  const plan = values.smoke ? SMOKE : values.quick ? QUICK : FULL;
  const only = values.only?.split(',');
  const parts = PARTS.filter((part) => only === undefined || only.includes(part));
  report(plan, await measure(plan, parts), values.out);
}

async function measure(plan: WebhookPlan, parts: readonly Part[]): Promise<WebhookFigures> {
  const world = await WebhookWorld.open();
  const begin = (part: Part, doing: string): boolean => {
    if (parts.includes(part)) say(`${part.padEnd(8)}  ${doing}`);
    return parts.includes(part);
  };
  try {
    const { latency, capacity, hang } = plan;
    return {
      ...(begin('latency', `${latency.perSecond} events a second to ${latency.endpoints} endpoints`) && {
        latency: await measureLatency(world, latency),
      }),
      ...(begin('capacity', `${capacity.endpoints} endpoints, ${capacity.backlog} deliveries wait for each`) && {
        capacity: await measureCapacity(world, capacity),
      }),
      ...(begin('hang', `one of ${hang.endpoints} endpoints hangs, ${hang.runs} times with and without`) && {
        hang: await measureHang(world, hang),
      }),
    };
  } finally {
    await world.close();
  }
}

function report(plan: WebhookPlan, figures: WebhookFigures, out: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const about = { date, version: version(), machine: machine(), plan };
  const json = { ...about, rows: rowsOf(figures), account: accountOf(figures), figures };
  const file = writeResults(out, `webhooks-${date}`, json, plotOf(figures, `Webhooks, one dispatcher, ${date}`));
  say(`\n${tableOf(figures)}\n\nwritten to ${file}`);
}
