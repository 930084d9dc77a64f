import { runOrExit } from '@parley/config';
import { readConfig } from './config';
import { startWebhooks } from './start';

void runOrExit(() => startWebhooks(readConfig(process.env)));
