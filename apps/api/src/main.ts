import { loadEnv, runOrExit } from '@parley/config';
import { apiConfigSchema } from './config';
import { startApi } from './start-api';

void runOrExit(() => startApi(loadEnv(apiConfigSchema, process.env)));
