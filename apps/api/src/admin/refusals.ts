import { AdminError } from '@parley/persistence';
import { HttpRefusal, InvalidInput } from '../http/problems';

/** Does an operator's work; what the store refuses is thrown as the HTTP side knows it. */
export async function refusing<Outcome>(work: Promise<Outcome>): Promise<Outcome> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    if (error.code === 'invalid') throw new InvalidInput(error.message);
    throw new HttpRefusal(error.code === 'not_found' ? 'not_found' : 'conflict', error.message);
  }
}
