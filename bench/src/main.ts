import { say } from './report/surroundings';
import { benchRouter, ROUTER_HELP } from './router/bench';
import { benchSignaling, SIGNALING_HELP } from './signaling';
import { benchWebhooks, WEBHOOKS_HELP } from './webhooks/bench';

async function main([topic, ...rest]: string[]): Promise<void> {
  if (topic === '--help') return say([SIGNALING_HELP, WEBHOOKS_HELP, ROUTER_HELP].join('\n\n'));
  if (topic === 'webhooks') return benchWebhooks(rest);
  if (topic === 'router') return benchRouter(rest);
  await benchSignaling(topic === undefined ? [] : [topic, ...rest]);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
