import { takeOrders } from '../../servers/ordered-process';
import { Endpoint } from './endpoint';
import type { Arrival, ReceiverOrder, ReceiverResult } from './orders';

/** The receivers' process: takes one order after the other from its parent. */
function main(): void {
  const endpoints: Endpoint[] = [];
  let arrivals: Arrival[] = [];
  let count = 0;
  const arrived = (arrival: Arrival): void => {
    arrivals.push(arrival);
    count += 1;
  };
  const carryOut = async (order: ReceiverOrder): Promise<ReceiverResult> => {
    switch (order.kind) {
      case 'open': {
        const { answerAfterMs, webhookKey } = order;
        const from = endpoints.length;
        for (let n = 0; n < order.count; n += 1) {
          endpoints.push(await Endpoint.open({ number: endpoints.length, webhookKey, answerAfterMs, arrived }));
        }
        return { urls: endpoints.slice(from).map(({ url }) => url) };
      }
      case 'hang':
        endpoints[order.endpoint]?.hang(order.forMs);
        return {};
      case 'count':
        return { count };
      case 'take': {
        const taken = arrivals;
        arrivals = [];
        return { arrivals: taken };
      }
    }
  };
  takeOrders({}, carryOut);
}

main();
