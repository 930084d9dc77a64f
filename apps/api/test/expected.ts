import { DOMAIN } from './running-api';

/** Names of rooms that nobody used yet. */
export function freshNames(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `room-${count}`;
  };
}

/** A room's id in the domain of the demo account. */
export const id = (name: string) => `${DOMAIN}/${name}`;

/** What the xroom API answers when it did what it was asked. */
export const done = (data: unknown) =>
  expect.objectContaining({ status: 200, isError: false, errMsg: null, data }) as unknown;

/** What it answers when it did not: by HTTP all is well. */
export const refused = (text: string | RegExp) =>
  expect.objectContaining({
    status: 200,
    isError: true,
    data: null,
    errMsg: expect.stringMatching(text) as unknown,
  }) as unknown;
